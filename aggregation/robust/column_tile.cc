// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/column_tile.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "aggregation/invariant.h"
#include "aggregation/vector_clones.h"

namespace tributary::robust {
namespace {

constexpr std::size_t kColumns = ColumnTile::kColumns;
// Up to so many rows sorting takes fewer steps than counting.
constexpr std::size_t kMostSorted = 128;
constexpr std::int32_t kLeast = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();

// The bits of a negative float order the wrong way round.
std::int32_t Turned(std::int32_t bits) {
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

// All loops below are over integers and exact, but for AddBetween, where each
// operation stands alone: the same bits at every width.
TRIBUTARY_VECTOR_CLONES
void CopyKeys(const float* __restrict values, std::size_t stride,
              std::size_t rows, std::int32_t* __restrict keys) {
  for (std::size_t row = 0; row < rows; ++row) {
    const float* __restrict from = values + row * stride;
    // Rows are far apart: no prefetcher guesses that the next tile comes next.
    __builtin_prefetch(from + kColumns);
    for (std::size_t c = 0; c < kColumns; ++c) {
      const auto bits = std::bit_cast<std::int32_t>(from[c]);
      keys[row * kColumns + c] = bits ^ ((bits >> 31) & 0x7fffffff);
    }
  }
}

// Every column by itself, lowest key first: Batcher's network, which compares
// the same rows whatever they hold (Knuth, volume 3, 5.2.2, algorithm M).
TRIBUTARY_VECTOR_CLONES
void SortColumns(std::int32_t* keys, std::size_t rows) {
  if (rows < 2) return;
  const std::size_t top = std::bit_ceil(rows) / 2;
  for (std::size_t p = top; p > 0; p /= 2) {
    std::size_t r = 0;
    std::size_t d = p;
    for (std::size_t q = top;; q /= 2) {
      for (std::size_t i = 0; i + d < rows; ++i) {
        if ((i & p) != r) continue;
        std::int32_t* a = keys + i * kColumns;
        std::int32_t* b = keys + (i + d) * kColumns;
        std::int32_t low[kColumns];
        std::int32_t high[kColumns];
        for (std::size_t c = 0; c < kColumns; ++c) {
          low[c] = a[c] < b[c] ? a[c] : b[c];
          high[c] = a[c] < b[c] ? b[c] : a[c];
        }
        for (std::size_t c = 0; c < kColumns; ++c) a[c] = low[c];
        for (std::size_t c = 0; c < kColumns; ++c) b[c] = high[c];
      }
      if (q == p) break;
      d = q - p;
      r = p;
    }
  }
}

TRIBUTARY_VECTOR_CLONES
void CountAtMost(const std::int32_t* __restrict keys, std::size_t rows,
                 const std::int32_t* __restrict pivots,
                 std::int32_t* __restrict counts) {
  std::int32_t count[kColumns] = {};
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      count[c] += keys[row * kColumns + c] <= pivots[c];
    }
  }
  for (std::size_t c = 0; c < kColumns; ++c) counts[c] = count[c];
}

// The largest key of each column that is at most its bound; there is one.
TRIBUTARY_VECTOR_CLONES
void LargestAtMost(const std::int32_t* __restrict keys, std::size_t rows,
                   const std::int32_t* __restrict bounds,
                   std::int32_t* __restrict found) {
  std::int32_t best[kColumns];
  for (std::size_t c = 0; c < kColumns; ++c) best[c] = kLeast;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      const std::int32_t key = keys[row * kColumns + c];
      const std::int32_t mask = -(key <= bounds[c]);
      const std::int32_t candidate = (key & mask) | (kLeast & ~mask);
      best[c] = candidate > best[c] ? candidate : best[c];
    }
  }
  for (std::size_t c = 0; c < kColumns; ++c) found[c] = best[c];
}

// The smallest key of each column that is over its bound; if there is none, the
// largest integer.
TRIBUTARY_VECTOR_CLONES
void SmallestOver(const std::int32_t* __restrict keys, std::size_t rows,
                  const std::int32_t* __restrict bounds,
                  std::int32_t* __restrict found) {
  std::int32_t best[kColumns];
  for (std::size_t c = 0; c < kColumns; ++c) best[c] = kMost;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      const std::int32_t key = keys[row * kColumns + c];
      const std::int32_t mask = -(key > bounds[c]);
      const std::int32_t candidate = (key & mask) | (kMost & ~mask);
      best[c] = candidate < best[c] ? candidate : best[c];
    }
  }
  for (std::size_t c = 0; c < kColumns; ++c) found[c] = best[c];
}

// The sum of the values whose keys lie between two, both excluded.
TRIBUTARY_VECTOR_CLONES
void AddBetween(const std::int32_t* __restrict keys, std::size_t rows,
                const std::int32_t* __restrict low,
                const std::int32_t* __restrict high, double* __restrict sums) {
  double sum[kColumns] = {};
  for (std::size_t row = 0; row < rows; ++row) {
    float kept[kColumns];
    for (std::size_t c = 0; c < kColumns; ++c) {
      const std::int32_t key = keys[row * kColumns + c];
      const std::int32_t bits = key ^ ((key >> 31) & 0x7fffffff);
      const std::int32_t mask = -((key > low[c]) & (key < high[c]));
      kept[c] = std::bit_cast<float>(bits & mask);
    }
    for (std::size_t c = 0; c < kColumns; ++c) sum[c] += kept[c];
  }
  for (std::size_t c = 0; c < kColumns; ++c) sums[c] = sum[c];
}

// Where one column's key is looked for: it is over `floor` and at most `cap`,
// and so many keys are at most each of them.
struct Bracket {
  std::int64_t floor;
  std::int64_t cap;
  std::int64_t at_most_floor;
  std::int64_t at_most_cap;
  bool was_halved = true;  // by the last pivot, in keys

  bool IsFound(std::int64_t rank) const {
    return at_most_floor == rank || at_most_cap == rank + 1 || cap - floor == 1;
  }

  // In [floor + 1, cap - 1].
  std::int64_t Pivot(std::int64_t rank) const {
    if (!was_halved) return floor + (cap - floor) / 2;
    const double low = ColumnTile::ValueOf(
        static_cast<std::int32_t>(std::max<std::int64_t>(floor, -0x7f800000)));
    const double high = ColumnTile::ValueOf(static_cast<std::int32_t>(cap));
    const double share = (static_cast<double>(rank - at_most_floor) + 0.5) /
                         static_cast<double>(at_most_cap - at_most_floor);
    const auto value = static_cast<float>(low + share * (high - low));
    return std::clamp<std::int64_t>(ColumnTile::KeyOf(value), floor + 1,
                                    cap - 1);
  }

  void Narrow(std::int64_t pivot, std::int64_t at_most, std::int64_t rank) {
    const std::int64_t before = at_most_cap - at_most_floor;
    if (at_most > rank) {
      cap = pivot;
      at_most_cap = at_most;
    } else {
      floor = pivot;
      at_most_floor = at_most;
    }
    was_halved = !was_halved || 2 * (at_most_cap - at_most_floor) <= before;
  }
};

}  // namespace

ColumnTile::ColumnTile(std::size_t rows) : rows_(rows), keys_(rows * kColumns) {
  TRIBUTARY_INVARIANT(rows, >, std::size_t{0});
  TRIBUTARY_INVARIANT(rows, <=, std::size_t{0x7fffffff});
}

std::int32_t ColumnTile::KeyOf(float value) {
  return Turned(std::bit_cast<std::int32_t>(value));
}

float ColumnTile::ValueOf(std::int32_t key) {
  return std::bit_cast<float>(Turned(key));
}

void ColumnTile::Load(const Block& block, std::size_t first) {
  TRIBUTARY_INVARIANT(block.rows(), ==, rows_);
  TRIBUTARY_INVARIANT(first, <, block.columns());
  const std::size_t count = block.columns() - first;
  if (count >= kColumns) {
    CopyKeys(block.Row(0).data() + first, block.stride(), rows_, keys_.data());
  } else {
    for (std::size_t row = 0; row < rows_; ++row) {
      std::int32_t* to = keys_.data() + row * kColumns;
      for (std::size_t c = 0; c < count; ++c) {
        to[c] = KeyOf(block.Row(row)[first + c]);
      }
      std::fill(to + count, to + kColumns, 0);
    }
  }
  if (rows_ <= kMostSorted) SortColumns(keys_.data(), rows_);
}

ColumnTile::Keys ColumnTile::Row(std::size_t row) const {
  Keys keys;
  std::copy_n(keys_.begin() + static_cast<std::ptrdiff_t>(row * kColumns),
              kColumns, keys.begin());
  return keys;
}

ColumnTile::Keys ColumnTile::Select(std::size_t rank) const {
  TRIBUTARY_INVARIANT(rank, <, rows_);
  if (rows_ <= kMostSorted) return Row(rank);
  const auto wanted = static_cast<std::int64_t>(rank);
  Keys bounds;
  Keys least;
  Keys most;
  bounds.fill(kLeast);
  SmallestOver(keys_.data(), rows_, bounds.data(), least.data());
  bounds.fill(kMost);
  LargestAtMost(keys_.data(), rows_, bounds.data(), most.data());
  std::array<Bracket, kColumns> brackets;
  for (std::size_t c = 0; c < kColumns; ++c) {
    brackets[c] = {.floor = std::int64_t{least[c]} - 1,
                   .cap = most[c],
                   .at_most_floor = 0,
                   .at_most_cap = static_cast<std::int64_t>(rows_)};
  }
  for (bool is_done = false; !is_done;) {
    is_done = true;
    Keys pivots;
    for (std::size_t c = 0; c < kColumns; ++c) {
      const bool is_found = brackets[c].IsFound(wanted);
      is_done = is_done && is_found;
      pivots[c] = static_cast<std::int32_t>(
          is_found ? brackets[c].cap : brackets[c].Pivot(wanted));
    }
    if (is_done) break;
    Keys counts;
    CountAtMost(keys_.data(), rows_, pivots.data(), counts.data());
    for (std::size_t c = 0; c < kColumns; ++c) {
      if (brackets[c].IsFound(wanted)) continue;
      brackets[c].Narrow(pivots[c], counts[c], wanted);
    }
  }
  // Either everything up to `floor` is below the rank, and the key is the next;
  // or the key is the largest up to `cap`.
  Keys floors;
  Keys caps;
  for (std::size_t c = 0; c < kColumns; ++c) {
    floors[c] = static_cast<std::int32_t>(brackets[c].floor);
    caps[c] = static_cast<std::int32_t>(brackets[c].cap);
  }
  Keys over;
  Keys up_to;
  SmallestOver(keys_.data(), rows_, floors.data(), over.data());
  LargestAtMost(keys_.data(), rows_, caps.data(), up_to.data());
  for (std::size_t c = 0; c < kColumns; ++c) {
    if (brackets[c].at_most_floor == wanted) up_to[c] = over[c];
  }
  return up_to;
}

ColumnTile::Keys ColumnTile::Next(const Keys& keys, std::size_t rank) const {
  TRIBUTARY_INVARIANT(rank + 1, <, rows_);
  if (rows_ <= kMostSorted) return Row(rank + 1);
  Keys counts;
  Keys over;
  CountAtMost(keys_.data(), rows_, keys.data(), counts.data());
  SmallestOver(keys_.data(), rows_, keys.data(), over.data());
  for (std::size_t c = 0; c < kColumns; ++c) {
    const bool is_again = static_cast<std::size_t>(counts[c]) > rank + 1;
    if (is_again) over[c] = keys[c];
  }
  return over;
}

ColumnTile::Values ColumnTile::MeanBetween(const Keys& low, std::size_t first,
                                           const Keys& high,
                                           std::size_t last) const {
  TRIBUTARY_INVARIANT(first, <=, last);
  TRIBUTARY_INVARIANT(last, <, rows_);
  Keys at_most_low;
  Keys below_high;
  Keys before_high;
  for (std::size_t c = 0; c < kColumns; ++c) before_high[c] = high[c] - 1;
  CountAtMost(keys_.data(), rows_, low.data(), at_most_low.data());
  CountAtMost(keys_.data(), rows_, before_high.data(), below_high.data());
  Values means;
  AddBetween(keys_.data(), rows_, low.data(), high.data(), means.data());
  const auto kept = static_cast<double>(last - first + 1);
  for (std::size_t c = 0; c < kColumns; ++c) {
    if (low[c] == high[c]) {
      means[c] = ValueOf(low[c]);
      continue;
    }
    // Of equal values at the ends, as many as have their rank inside.
    const double of_low = at_most_low[c] - static_cast<double>(first);
    const double of_high = static_cast<double>(last) + 1 - below_high[c];
    means[c] =
        (means[c] + of_low * ValueOf(low[c]) + of_high * ValueOf(high[c])) /
        kept;
  }
  return means;
}

}  // namespace tributary::robust
