// SPDX-License-Identifier: Apache-2.0
// A weighted sum of the updates and of one more vector:
//
//   z = sum_i weights_i x_i + base_weight base
//
// Most rules find weights in passes of their own and end with this.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregation/robust/execution.h"
#include "aggregation/robust/updates.h"

namespace tributary::robust {

struct Combination {
  std::vector<double> weights;  // one for each update
  double base_weight = 0;
  // As long as the updates, or empty where base_weight is 0.
  std::span<const float> base = {};
};

// z, summed in double in the order of rows and rounded once. One pass over the
// updates whose weight is not zero. `out` is as long as the updates.
absl::Status Combine(Updates& updates, const Combination& combination,
                     const Execution& execution, std::span<float> out);

// The squared distance of each update to z, in double throughout. One pass; of
// z only a block is held.
absl::StatusOr<std::vector<double>> SquaredDistancesTo(
    Updates& updates, const Combination& combination,
    const Execution& execution);

}  // namespace tributary::robust
