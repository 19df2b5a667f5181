// SPDX-License-Identifier: Apache-2.0
// One pass over the updates, from the first coordinate to the last.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "aggregation/robust/block.h"
#include "aggregation/robust/execution.h"
#include "aggregation/robust/updates.h"

namespace tributary::robust {

// Calls visit(offset, block) for each block of `rows`, in order. Blocks begin
// at whole multiples of kStrip. Ends with the first error of a read.
absl::Status ReadAll(
    Updates& updates, std::span<const std::size_t> rows,
    const Execution& execution,
    const std::function<void(std::size_t offset, const Block&)>& visit);

// 0 .. count - 1.
std::vector<std::size_t> AllRows(const Updates& updates);

}  // namespace tributary::robust
