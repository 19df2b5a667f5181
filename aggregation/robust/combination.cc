// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/combination.h"

#include <algorithm>
#include <array>

#include "aggregation/invariant.h"
#include "aggregation/robust/pass.h"
#include "aggregation/robust/strip.h"

namespace tributary::robust {
namespace {

// z of one strip of a block, whose row k is that of weights[k]. The strip
// begins at `first` in the block and at offset + first in `base`.
void SumStrip(const Block& block, std::span<const double> weights,
              const Combination& combination, std::size_t offset,
              std::size_t first, std::span<double> z) {
  std::ranges::fill(z, 0.0);
  if (combination.base_weight != 0) {
    AddScaled(combination.base_weight,
              combination.base.subspan(offset + first, z.size()), z.data());
  }
  for (std::size_t row = 0; row < block.rows(); ++row) {
    if (weights[row] == 0) continue;
    AddScaled(weights[row], block.Row(row).subspan(first, z.size()), z.data());
  }
}

void CheckLengths(const Updates& updates, const Combination& combination) {
  TRIBUTARY_INVARIANT(combination.weights.size(), ==, updates.count());
  if (combination.base_weight != 0) {
    TRIBUTARY_INVARIANT(combination.base.size(), ==, updates.length());
  }
}

}  // namespace

absl::Status Combine(Updates& updates, const Combination& combination,
                     const Execution& execution, std::span<float> out) {
  CheckLengths(updates, combination);
  TRIBUTARY_INVARIANT(out.size(), ==, updates.length());
  std::vector<std::size_t> rows;
  std::vector<double> weights;
  for (std::size_t row = 0; row < updates.count(); ++row) {
    if (combination.weights[row] == 0) continue;
    rows.push_back(row);
    weights.push_back(combination.weights[row]);
  }
  return ReadAll(
      updates, rows, execution, [&](std::size_t offset, const Block& block) {
        ForEachStrip(block, execution.for_each,
                     [&](std::size_t first, std::size_t count) {
                       std::array<double, kStrip> z;
                       SumStrip(block, weights, combination, offset, first,
                                std::span(z).first(count));
                       for (std::size_t i = 0; i < count; ++i) {
                         out[offset + first + i] = static_cast<float>(z[i]);
                       }
                     });
      });
}

absl::StatusOr<std::vector<double>> SquaredDistancesTo(
    Updates& updates, const Combination& combination,
    const Execution& execution) {
  CheckLengths(updates, combination);
  std::vector<double> squared(updates.count());
  std::vector<double> z;
  const absl::Status read = ReadAll(
      updates, AllRows(updates), execution,
      [&](std::size_t offset, const Block& block) {
        z.resize(block.columns());
        const auto part = [&](std::size_t first, std::size_t count) {
          return std::span(z).subspan(first, count);
        };
        ForEachStrip(block, execution.for_each,
                     [&](std::size_t first, std::size_t count) {
                       SumStrip(block, combination.weights, combination, offset,
                                first, part(first, count));
                     });
        AddRowSums(block, execution.for_each, squared,
                   [&](std::size_t row, std::size_t first, std::size_t count) {
                     return SquaredDistance(
                         block.Row(row).subspan(first, count),
                         part(first, count));
                   });
      });
  if (!read.ok()) return read;
  return squared;
}

}  // namespace tributary::robust
