// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/bulyan.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "aggregation/invariant.h"
#include "aggregation/robust/pass.h"
#include "aggregation/robust/requirement.h"
#include "aggregation/robust/strip.h"

namespace tributary::robust {
namespace {

// Of sorted values, the mean of the `kept` that are closest to the median: they
// stand together, so a window of them moves up while that brings it closer.
double MeanOfClosest(std::span<const float> sorted, std::size_t kept) {
  const std::size_t count = sorted.size();
  const double median =
      (double{sorted[(count - 1) / 2]} + double{sorted[count / 2]}) / 2;
  std::size_t first = 0;
  while (first + kept < count &&
         median - sorted[first] > sorted[first + kept] - median) {
    ++first;
  }
  double sum = 0;
  for (const float value : sorted.subspan(first, kept)) sum += value;
  return sum / static_cast<double>(kept);
}

}  // namespace

absl::Status Validate(const Bulyan& rule, std::uint64_t updates) {
  return RequireUpdates("robust.bulyan", rule.adversaries, 4, 3, "n >= 4f + 3",
                        updates);
}

std::vector<std::size_t> SelectForBulyan(const Bulyan& rule,
                                         const Distances& distances) {
  const std::size_t count = distances.count();
  const std::size_t wanted = count - 2 * std::size_t{rule.adversaries};
  std::vector<std::vector<std::uint32_t>> neighbours(count);
  for (std::size_t row = 0; row < count; ++row) {
    neighbours[row] = distances.Neighbours(row);
  }
  std::vector<bool> is_chosen(count, false);
  const auto score_of = [&](std::size_t row, std::size_t added) {
    double score = 0;
    for (const std::uint32_t other : neighbours[row]) {
      if (added == 0) break;
      if (is_chosen[other]) continue;
      score += distances.Squared(row, other);
      --added;
    }
    return score;
  };
  std::vector<std::size_t> chosen;
  while (chosen.size() < wanted) {
    const std::size_t left = count - chosen.size();
    const std::size_t skipped = std::size_t{rule.adversaries} + 2;
    const std::size_t added = left > skipped ? left - skipped : 1;
    double lowest = std::numeric_limits<double>::infinity();
    std::size_t best = count;
    for (std::size_t row = 0; row < count; ++row) {
      if (is_chosen[row]) continue;
      const double score = score_of(row, added);
      if (score < lowest) {
        lowest = score;
        best = row;
      }
    }
    is_chosen[best] = true;
    chosen.push_back(best);
  }
  return chosen;
}

absl::Status MeanAroundMedian(Updates& updates,
                              std::span<const std::size_t> rows,
                              std::size_t kept, const Execution& execution,
                              std::span<float> out) {
  TRIBUTARY_INVARIANT(kept, >, std::size_t{0});
  TRIBUTARY_INVARIANT(kept, <=, rows.size());
  TRIBUTARY_INVARIANT(out.size(), ==, updates.length());
  return ReadAll(
      updates, rows, execution, [&](std::size_t offset, const Block& block) {
        ForEachStrip(block, execution.for_each,
                     [&](std::size_t first, std::size_t count) {
                       std::vector<float> values(rows.size());
                       for (std::size_t i = first; i < first + count; ++i) {
                         for (std::size_t k = 0; k < values.size(); ++k) {
                           values[k] = block.Row(k)[i];
                         }
                         std::ranges::sort(values);
                         out[offset + i] =
                             static_cast<float>(MeanOfClosest(values, kept));
                       }
                     });
      });
}

}  // namespace tributary::robust
