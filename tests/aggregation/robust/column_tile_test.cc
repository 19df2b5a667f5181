// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/column_tile.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "privacy/crypto/random.h"

#include "tests/catch.h"

namespace tributary::robust {
namespace {

// Values of one kind: whatever there is, from subnormals to the largest.
float AnyFloat(RandomSource& random, int kind) {
  switch (kind) {
    case 0:  // usual
      return static_cast<float>(random.Uniform() - 0.5);
    case 1:  // many that are equal, both zeros among them
      return std::array{-1.0f, -0.0f, 0.0f, 2.0f}[random.Below(4)];
    case 2:  // usual, and far outliers
      return random.Below(4) == 0 ? std::numeric_limits<float>::max()
                                  : static_cast<float>(random.Uniform() * 1e-3);
    default:  // any bits of a finite number
      for (;;) {
        const auto value =
            std::bit_cast<float>(static_cast<std::uint32_t>(random.Word()));
        if (value - value == 0) return value;
      }
  }
}

// Orders -0 before 0, as keys do.
bool IsBelow(float a, float b) {
  return a != b ? a < b : std::signbit(a) && !std::signbit(b);
}

TEST_CASE("a rank found by counting is that of the sorted column") {
  KeyedStream random(KeyFromSeed(1));
  for (const std::size_t rows : {1, 2, 3, 7, 31, 128, 129, 301}) {
    for (int kind = 0; kind < 4; ++kind) {
      Block block;
      block.Reshape(rows, 21);  // a whole tile and one that is not
      std::vector<std::vector<float>> columns(21, std::vector<float>(rows));
      for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t c = 0; c < 21; ++c) {
          columns[c][row] = block.Row(row)[c] = AnyFloat(random, kind);
        }
      }
      for (std::vector<float>& column : columns) {
        std::ranges::sort(column, IsBelow);
      }
      ColumnTile tile(rows);
      for (const std::size_t first : {0, 16}) {
        tile.Load(block, first);
        for (std::size_t rank = 0; rank < rows; rank += 1 + rows / 8) {
          const ColumnTile::Keys keys = tile.Select(rank);
          const bool has_next = rank + 1 < rows;
          const ColumnTile::Keys next = has_next ? tile.Next(keys, rank) : keys;
          for (std::size_t c = first; c < std::min<std::size_t>(21, first + 16);
               ++c) {
            INFO(rows << " rows of kind " << kind << ", rank " << rank);
            REQUIRE(keys[c - first] == ColumnTile::KeyOf(columns[c][rank]));
            if (has_next) {
              REQUIRE(next[c - first] ==
                      ColumnTile::KeyOf(columns[c][rank + 1]));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("the mean of ranks counts equal values at its ends as often as due") {
  const std::vector<float> values = {5, 1, 1, 9, 1, 5, 2};
  // Few rows, which are sorted, and twenty times as many, which are not.
  for (const std::size_t copies : {1, 20}) {
    std::vector<float> sorted;
    for (std::size_t k = 0; k < copies; ++k) {
      sorted.insert(sorted.end(), values.begin(), values.end());
    }
    Block block;
    block.Reshape(sorted.size(), 1);
    for (std::size_t row = 0; row < sorted.size(); ++row) {
      block.Row(row)[0] = sorted[row];
    }
    std::ranges::sort(sorted);
    ColumnTile tile(sorted.size());
    tile.Load(block, 0);
    for (std::size_t first = 0; first < sorted.size(); first += copies) {
      double sum = 0;
      for (std::size_t last = first; last < sorted.size(); ++last) {
        sum += sorted[last];
        INFO(copies << " copies, ranks " << first << " .. " << last);
        CHECK(tile.MeanBetween(tile.Select(first), first, tile.Select(last),
                               last)[0] ==
              sum / static_cast<double>(last - first + 1));
      }
    }
  }
}

TEST_CASE("keys order as floats do and turn back into them") {
  const std::vector<float> rising = {-std::numeric_limits<float>::max(),
                                     -1,
                                     -std::numeric_limits<float>::denorm_min(),
                                     -0.0f,
                                     0.0f,
                                     1e-40f,
                                     1,
                                     std::numeric_limits<float>::max()};
  for (std::size_t i = 0; i < rising.size(); ++i) {
    const std::int32_t key = ColumnTile::KeyOf(rising[i]);
    CHECK(std::bit_cast<std::uint32_t>(ColumnTile::ValueOf(key)) ==
          std::bit_cast<std::uint32_t>(rising[i]));
    if (i > 0) CHECK(ColumnTile::KeyOf(rising[i - 1]) < key);
  }
}

}  // namespace
}  // namespace tributary::robust
