// SPDX-License-Identifier: Apache-2.0
// What the tests of this folder say: layouts, random vectors, equal bits.
#pragma once

#include <cstring>
#include <span>
#include <vector>

#include "aggregation/grid.h"
#include "privacy/crypto/random.h"

namespace tributary::aggregation {

inline Grid MakeGrid(double max_abs, std::uint32_t max_weight) {
  return Grid::Make({.max_abs = max_abs, .max_weight = max_weight}).value();
}

// The last third are buffers, with a bound of their own.
inline Layout MakeLayout(std::size_t length, double max_abs,
                         std::uint32_t max_weight) {
  return {.trainable = length - length / 3,
          .length = length,
          .parameters = MakeGrid(max_abs, max_weight),
          .buffers = MakeGrid(10 * max_abs, max_weight)};
}

// Uniform in [-bound, bound).
inline std::vector<float> UniformVector(RandomSource& random,
                                        std::size_t length, float bound) {
  std::vector<float> values(length);
  for (float& value : values) {
    value = static_cast<float>((2 * random.Uniform() - 1) * bound);
  }
  return values;
}

inline bool HasSameBits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

}  // namespace tributary::aggregation
