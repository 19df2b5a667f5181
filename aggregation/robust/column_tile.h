// SPDX-License-Identifier: Apache-2.0
// Order statistics of 16 columns at a time.
//
// The n values of a column are the coordinates of n updates at one place. They
// are copied into a tile of n rows of 16, as integers that order like the
// floats. Few rows are sorted; more are searched by counting: a pivot for each
// column, and one pass over the tile counts in all columns how many keys are at
// most the pivot. Neither has a branch. Pivots are interpolated, and where that
// did not help bisected, so that a dozen passes find a rank among 1,000 usual
// values and no values need more than 66 + log2 n.
//
// Threads: one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "aggregation/robust/block.h"

namespace tributary::robust {

class ColumnTile {
 public:
  static constexpr std::size_t kColumns = 16;
  // A number for each column.
  using Keys = std::array<std::int32_t, kColumns>;
  using Values = std::array<double, kColumns>;

  explicit ColumnTile(std::size_t rows);

  // Takes the columns of the block from `first` on, at most kColumns. The block
  // has as many rows as the tile; its values are finite.
  void Load(const Block& block, std::size_t first);

  // The key of rank 0 .. rows - 1, 0 the smallest. -0 is below 0.
  Keys Select(std::size_t rank) const;
  // The keys of rank + 1, from those of `rank`.
  Keys Next(const Keys& keys, std::size_t rank) const;
  // The mean of the values of ranks first .. last, from the keys of these two.
  // What lies between is added in the order of rows, or sorted: the number of
  // rows decides.
  Values MeanBetween(const Keys& low, std::size_t first, const Keys& high,
                     std::size_t last) const;

  static std::int32_t KeyOf(float value);
  static float ValueOf(std::int32_t key);

 private:
  Keys Row(std::size_t row) const;

  std::size_t rows_;
  std::vector<std::int32_t> keys_;  // rows x kColumns
};

}  // namespace tributary::robust
