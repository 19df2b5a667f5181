// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/geometric_median.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "aggregation/robust/combination.h"
#include "aggregation/robust/requirement.h"

namespace tributary::robust {

absl::Status Validate(const GeometricMedian& rule, std::uint64_t updates) {
  for (const absl::Status& check :
       {RequireUpdates("robust.geometric_median", 0, 2, 1, "n > 0", updates),
        RequireWithin("robust.geometric_median.iterations", rule.iterations, 1,
                      1000, "each is a pass over all updates"),
        RequirePositive("robust.geometric_median.smoothing", rule.smoothing)}) {
    if (!check.ok()) return check;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<double>> WeightsOf(const GeometricMedian& rule,
                                              Updates& updates,
                                              const Execution& execution) {
  Combination z;
  z.weights.assign(updates.count(), 1 / static_cast<double>(updates.count()));
  for (std::uint32_t k = 0; k < rule.iterations; ++k) {
    absl::StatusOr<std::vector<double>> squared =
        SquaredDistancesTo(updates, z, execution);
    if (!squared.ok()) return squared.status();
    for (std::size_t row = 0; row < z.weights.size(); ++row) {
      z.weights[row] = 1 / std::max(rule.smoothing, std::sqrt((*squared)[row]));
    }
    const double sum = std::accumulate(z.weights.begin(), z.weights.end(), 0.0);
    for (double& weight : z.weights) weight /= sum;
  }
  return std::move(z.weights);
}

}  // namespace tributary::robust
