// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/centered_clipping.h"

#include <cmath>
#include <vector>

#include "aggregation/robust/requirement.h"

namespace tributary::robust {

absl::Status Validate(const CenteredClipping& rule, std::uint64_t updates) {
  for (const absl::Status& check :
       {RequireUpdates("robust.centered_clipping", 0, 2, 1, "n > 0", updates),
        RequireWithin("robust.centered_clipping.iterations", rule.iterations, 1,
                      1000, "each is a pass over all updates"),
        RequirePositive("robust.centered_clipping.radius", rule.radius)}) {
    if (!check.ok()) return check;
  }
  return absl::OkStatus();
}

absl::StatusOr<Combination> CombinationOf(const CenteredClipping& rule,
                                          Updates& updates,
                                          std::span<const float> center,
                                          const Execution& execution) {
  const std::size_t count = updates.count();
  Combination v{.weights = std::vector<double>(count, 0.0),
                .base_weight = 1,
                .base = center};
  std::vector<double> pulls(count);
  for (std::uint32_t k = 0; k < rule.iterations; ++k) {
    absl::StatusOr<std::vector<double>> squared =
        SquaredDistancesTo(updates, v, execution);
    if (!squared.ok()) return squared.status();
    double pulled = 0;
    for (std::size_t row = 0; row < count; ++row) {
      const double distance = std::sqrt((*squared)[row]);
      const double factor =
          distance > rule.radius ? rule.radius / distance : 1.0;
      pulls[row] = factor / static_cast<double>(count);
      pulled += pulls[row];
    }
    // v + sum_i pull_i (x_i - v)
    for (std::size_t row = 0; row < count; ++row) {
      v.weights[row] = (1 - pulled) * v.weights[row] + pulls[row];
    }
    v.base_weight *= 1 - pulled;
  }
  return v;
}

}  // namespace tributary::robust
