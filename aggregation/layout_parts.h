// SPDX-License-Identifier: Apache-2.0
// The parts of a flat vector that a range of it lies in, each with its grid.
#pragma once

#include <algorithm>
#include <cstddef>

#include "aggregation/grid.h"
#include "aggregation/invariant.h"

namespace tributary::aggregation {

// Calls `visit(grid, first, count)` for the part of the range that lies in the
// parameters, then for those in the buffers and in the auxiliary part; `first`
// counts from the start of the range.
template <typename Visit>
void ForEachPart(const Layout& layout, std::size_t offset, std::size_t count,
                 Visit visit) {
  TRIBUTARY_INVARIANT(offset, <=, layout.length);
  TRIBUTARY_INVARIANT(count, <=, layout.length - offset);
  const auto before = [&](std::size_t end) {
    return offset < end ? std::min(count, end - offset) : 0;
  };
  const std::size_t parameters = before(layout.trainable);
  const std::size_t model = before(layout.model());
  if (parameters > 0) visit(layout.parameters, std::size_t{0}, parameters);
  if (parameters < model) visit(layout.buffers, parameters, model - parameters);
  if (model < count) visit(*layout.auxiliary, model, count - model);
}

}  // namespace tributary::aggregation
