// SPDX-License-Identifier: Apache-2.0
#include "aggregation/magnitude.h"

#include <bit>
#include <cstdint>

#include "aggregation/vector_clones.h"

namespace tributary::aggregation {

// Floats without their sign order as their bits do, infinities and NaN above
// every number; and integers compare without a branch for NaN.
TRIBUTARY_VECTOR_CLONES
float LargestMagnitude(std::span<const float> values) {
  std::int32_t largest = 0;
  for (const float value : values) {
    const auto magnitude = std::bit_cast<std::int32_t>(value) & 0x7fffffff;
    largest = magnitude > largest ? magnitude : largest;
  }
  return std::bit_cast<float>(largest);
}

}  // namespace tributary::aggregation
