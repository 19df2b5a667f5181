// SPDX-License-Identifier: Apache-2.0
// 128-bit integers and uniform draws below them, for decisions that must not
// be rounded.
#pragma once

#include <bit>
#include <cstdint>

#include "privacy/crypto/random.h"

namespace tributary::dp {

__extension__ using Wide = unsigned __int128;

inline int BitWidth(Wide value) {
  const auto high = static_cast<std::uint64_t>(value >> 64);
  return high != 0 ? 64 + static_cast<int>(std::bit_width(high))
                   : static_cast<int>(
                         std::bit_width(static_cast<std::uint64_t>(value)));
}

// Uniform in [0, bound), without bias, bound > 0: two words, the low one first,
// cut to the bound's bits, until they are below it. One word if that is enough.
inline Wide BelowWide(Wide bound, RandomSource& random) {
  const auto narrow = static_cast<std::uint64_t>(bound);
  if (narrow == bound) return random.Below(narrow);
  const Wide mask = ~Wide{0} >> (128 - BitWidth(bound - 1));
  while (true) {
    const Wide low = random.Word();
    const Wide value = (Wide{random.Word()} << 64 | low) & mask;
    if (value < bound) return value;
  }
}

}  // namespace tributary::dp
