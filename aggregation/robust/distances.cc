// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/distances.h"

#include <algorithm>
#include <numeric>

#include "aggregation/robust/pass.h"
#include "aggregation/robust/strip.h"

namespace tributary::robust {
namespace {

// A strip of so many rows stays in the first cache.
constexpr std::size_t kTile = 32;

}  // namespace

absl::StatusOr<Distances> Distances::Between(Updates& updates,
                                             const Execution& execution) {
  Distances distances(updates.count());
  const std::size_t tiles = (updates.count() + kTile - 1) / kTile;
  // Each pair of tiles has its own sums, so tasks share nothing they write.
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    for (std::size_t other = 0; other <= tile; ++other) {
      pairs.emplace_back(tile, other);
    }
  }
  const absl::Status read = ReadAll(
      updates, AllRows(updates), execution,
      [&](std::size_t, const Block& block) {
        execution.for_each(pairs.size(), [&](std::size_t pair) {
          distances.AddTile(block, pairs[pair].first, pairs[pair].second);
        });
      });
  if (!read.ok()) return read;
  for (std::size_t a = 0; a < distances.count_; ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      distances.squared_[b * distances.count_ + a] =
          distances.squared_[a * distances.count_ + b];
    }
  }
  return distances;
}

void Distances::AddTile(const Block& block, std::size_t tile,
                        std::size_t other) {
  const std::size_t last = std::min(count_, (tile + 1) * kTile);
  const std::size_t first_other = other * kTile;
  for (std::size_t first = 0; first < block.columns(); first += kStrip) {
    const std::size_t count = std::min(kStrip, block.columns() - first);
    const auto strip = [&](std::size_t row) {
      return block.Row(row).subspan(first, count);
    };
    for (std::size_t a = tile * kTile; a < last; ++a) {
      const std::size_t last_other = std::min(a, first_other + kTile);
      double* sums = squared_.data() + a * count_;
      for (std::size_t b = first_other; b < last_other; b += 4) {
        const std::size_t group = std::min<std::size_t>(4, last_other - b);
        std::array<const float*, 4> rows;
        for (std::size_t k = 0; k < 4; ++k) {
          rows[k] = strip(b + std::min(k, group - 1)).data();
        }
        const std::array<double, 4> parts = SquaredDistances(strip(a), rows);
        for (std::size_t k = 0; k < group; ++k) sums[b + k] += parts[k];
      }
    }
  }
}

std::vector<std::uint32_t> Distances::Neighbours(std::size_t row) const {
  std::vector<std::uint32_t> neighbours(count_);
  std::iota(neighbours.begin(), neighbours.end(), 0);
  neighbours.erase(neighbours.begin() + static_cast<std::ptrdiff_t>(row));
  std::ranges::stable_sort(
      neighbours, {}, [&](std::uint32_t other) { return Squared(row, other); });
  return neighbours;
}

}  // namespace tributary::robust
