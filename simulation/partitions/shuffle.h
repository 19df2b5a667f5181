// SPDX-License-Identifier: Apache-2.0
// Orders of examples, from a source of random bytes. Pure but for that source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "privacy/crypto/random.h"

namespace tributary::simulation {

// Every order equally likely (Fisher and Yates).
void Shuffle(std::span<std::uint32_t> indexes, RandomSource& random);

// 0 .. count - 1, shuffled. count < 2^32.
std::vector<std::uint32_t> ShuffledOrder(std::size_t count,
                                         RandomSource& random);

}  // namespace tributary::simulation
