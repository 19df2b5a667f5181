// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/krum.h"

#include <algorithm>
#include <numeric>

#include "aggregation/robust/requirement.h"

namespace tributary::robust {

absl::Status Validate(const Krum& rule, std::uint64_t updates) {
  const absl::Status enough = RequireUpdates("robust.krum", rule.adversaries, 2,
                                             3, "n > 2f + 2", updates);
  if (!enough.ok()) return enough;
  return RequireWithin("robust.krum.selected", rule.selected, 1,
                       static_cast<std::int64_t>(updates) - rule.adversaries,
                       "m is at most n - f");
}

std::vector<double> KrumScores(const Distances& distances,
                               std::uint32_t adversaries) {
  const auto neighbours =
      static_cast<std::ptrdiff_t>(distances.count()) - adversaries - 2;
  std::vector<double> scores(distances.count());
  std::vector<double> others;
  for (std::size_t row = 0; row < scores.size(); ++row) {
    others.clear();
    for (std::size_t other = 0; other < scores.size(); ++other) {
      if (other != row) others.push_back(distances.Squared(row, other));
    }
    // Added in rising order, so that a score does not depend on that of rows.
    const auto last = others.begin() + neighbours;
    std::partial_sort(others.begin(), last, others.end());
    scores[row] = std::accumulate(others.begin(), last, 0.0);
  }
  return scores;
}

std::vector<std::size_t> SelectByKrum(const Krum& rule,
                                      const Distances& distances) {
  const std::vector<double> scores = KrumScores(distances, rule.adversaries);
  std::vector<std::size_t> rows(scores.size());
  std::iota(rows.begin(), rows.end(), 0);
  std::ranges::stable_sort(rows, {},
                           [&](std::size_t row) { return scores[row]; });
  rows.resize(rule.selected);
  return rows;
}

}  // namespace tributary::robust
