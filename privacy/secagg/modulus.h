// SPDX-License-Identifier: Apache-2.0
// The modulus 2^bits of a session, wide enough that no sum wraps. A power of
// two: masks are then bits of a stream as they come, and it costs less than a
// bit over the least modulus. Pure; any thread.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

namespace tributary::secagg {

// The fewest bits such that the sum over `clients` of integers within
// +-max_magnitude, each times a weight of at most max_weight, is told from all
// others: 2^(bits-1) > clients * max_weight * max_magnitude. InvalidArgument if
// that is more than kMaxWordBits; a factor of 0 counts as 1.
absl::StatusOr<int> WordBits(std::uint64_t clients, std::uint64_t max_weight,
                             std::uint64_t max_magnitude);

// The largest |x| of which `clients` can add up without a wrap.
std::int64_t LargestInput(int bits, std::uint64_t clients);

// The integer in [-2^(bits-1), 2^(bits-1)) that a word stands for; higher bits
// of the word do not count.
std::int64_t Centred(std::uint64_t word, int bits);

}  // namespace tributary::secagg
