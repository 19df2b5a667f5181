// SPDX-License-Identifier: Apache-2.0
// The products of minimal filtering: small matrices, row-major, held in vector
// registers. Inlined into functions that say which instructions they use.
#pragma once

#include "client/torch/vector.h"

namespace tributary::torch_internal::winograd {
// Of the one file that includes it: otherwise GCC unfolds more than pays.
namespace {

// a's element (i, p) is a[i * row + p * step].
struct Left {
  const float* a;
  int row;
  int step;
};

// c [rows, columns] (+)= a b with b [depth, columns], kRows x kVectors vectors
// held in registers.
template <int kLanes, int kRows, int kVectors, bool kAdds>
TRIBUTARY_INLINE void ProductTile(const Left& left, int depth, int columns,
                                  const float* b, float* c) {
  using V = Vector<kLanes>;
  V sums[kRows][kVectors];
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVectors; ++v) {
      sums[i][v] =
          kAdds ? *reinterpret_cast<const V*>(c + i * columns + v * kLanes)
                : V{};
    }
  }
  for (int p = 0; p < depth; ++p) {
    V from[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      from[v] = *reinterpret_cast<const V*>(b + p * columns + v * kLanes);
    }
    for (int i = 0; i < kRows; ++i) {
      const float factor = left.a[i * left.row + p * left.step];
      for (int v = 0; v < kVectors; ++v) sums[i][v] += factor * from[v];
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVectors; ++v) {
      *reinterpret_cast<V*>(c + i * columns + v * kLanes) = sums[i][v];
    }
  }
}

template <int kLanes, int kVectors, bool kAdds>
TRIBUTARY_INLINE void ProductColumns(const Left& left, int rows, int depth,
                                     int columns, const float* b, float* c) {
  constexpr int kRows = 4;
  int i = 0;
  for (; i + kRows <= rows; i += kRows) {
    ProductTile<kLanes, kRows, kVectors, kAdds>(
        {left.a + i * left.row, left.row, left.step}, depth, columns, b,
        c + i * columns);
  }
  for (; i < rows; ++i) {
    ProductTile<kLanes, 1, kVectors, kAdds>(
        {left.a + i * left.row, left.row, left.step}, depth, columns, b,
        c + i * columns);
  }
}

template <int kLanes, int kVectors, bool kAdds>
TRIBUTARY_INLINE void Product(const Left& left, int rows, int depth,
                              int columns, const float* b, float* c) {
  int j = 0;
  for (; j + kVectors * kLanes <= columns; j += kVectors * kLanes) {
    ProductColumns<kLanes, kVectors, kAdds>(left, rows, depth, columns, b + j,
                                            c + j);
  }
  for (; j < columns; j += kLanes) {
    ProductColumns<kLanes, 1, kAdds>(left, rows, depth, columns, b + j, c + j);
  }
}

}  // namespace
}  // namespace tributary::torch_internal::winograd
