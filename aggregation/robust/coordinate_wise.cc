// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/coordinate_wise.h"

#include <algorithm>

#include "aggregation/invariant.h"
#include "aggregation/robust/column_tile.h"
#include "aggregation/robust/pass.h"
#include "aggregation/robust/requirement.h"
#include "aggregation/robust/strip.h"

namespace tributary::robust {
namespace {

// Writes values(tile), one for each column of a tile, for all columns.
template <typename ValuesOf>
absl::Status ForEachTile(Updates& updates, const Execution& execution,
                         std::span<float> out, ValuesOf values_of) {
  TRIBUTARY_INVARIANT(out.size(), ==, updates.length());
  return ReadAll(updates, AllRows(updates), execution,
                 [&](std::size_t offset, const Block& block) {
                   ForEachStrip(block, execution.for_each,
                                [&](std::size_t first, std::size_t count) {
                                  ColumnTile tile(block.rows());
                                  for (std::size_t done = 0; done < count;
                                       done += ColumnTile::kColumns) {
                                    tile.Load(block, first + done);
                                    const ColumnTile::Values values =
                                        values_of(tile);
                                    const std::size_t part = std::min(
                                        ColumnTile::kColumns, count - done);
                                    for (std::size_t c = 0; c < part; ++c) {
                                      out[offset + first + done + c] =
                                          static_cast<float>(values[c]);
                                    }
                                  }
                                });
                 });
}

}  // namespace

absl::Status Validate(const CoordinateMedian&, std::uint64_t updates) {
  return RequireUpdates("robust.median", 0, 2, 1, "n > 0", updates);
}

absl::Status Validate(const TrimmedMean& rule, std::uint64_t updates) {
  return RequireUpdates("robust.trimmed_mean", rule.adversaries, 2, 1, "n > 2f",
                        updates);
}

absl::Status Aggregate(const CoordinateMedian&, Updates& updates,
                       const Execution& execution, std::span<float> out) {
  const std::size_t count = updates.count();
  const std::size_t rank = (count - 1) / 2;
  return ForEachTile(updates, execution, out, [&](const ColumnTile& tile) {
    const ColumnTile::Keys low = tile.Select(rank);
    const ColumnTile::Keys high = count % 2 == 1 ? low : tile.Next(low, rank);
    ColumnTile::Values medians;
    for (std::size_t c = 0; c < medians.size(); ++c) {
      medians[c] = (double{ColumnTile::ValueOf(low[c])} +
                    double{ColumnTile::ValueOf(high[c])}) /
                   2;
    }
    return medians;
  });
}

absl::Status Aggregate(const TrimmedMean& rule, Updates& updates,
                       const Execution& execution, std::span<float> out) {
  const std::size_t first = rule.adversaries;
  const std::size_t last = updates.count() - 1 - rule.adversaries;
  return ForEachTile(updates, execution, out, [&](const ColumnTile& tile) {
    return tile.MeanBetween(tile.Select(first), first, tile.Select(last), last);
  });
}

}  // namespace tributary::robust
