// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/modulus.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "privacy/secagg/packing.h"

namespace tributary::secagg {
namespace {

__extension__ using Wide = unsigned __int128;

}  // namespace

absl::StatusOr<int> WordBits(std::uint64_t clients, std::uint64_t max_weight,
                             std::uint64_t max_magnitude) {
  // Each product of two is exact; the third factor could wrap.
  const Wide weighed = Wide{std::max<std::uint64_t>(max_weight, 1)} *
                       std::max<std::uint64_t>(max_magnitude, 1);
  const Wide limit = Wide{1} << (kMaxWordBits - 1);
  const std::uint64_t count = std::max<std::uint64_t>(clients, 1);
  for (int bits = kMinWordBits; bits <= kMaxWordBits; ++bits) {
    const Wide half = Wide{1} << (bits - 1);
    if (weighed < limit && weighed <= (half - 1) / count) return bits;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the sum of ", clients, " clients of weight up to ", max_weight,
      " and magnitude up to ", max_magnitude, " needs more than ", kMaxWordBits,
      " bits; lower update.max_weight or the cohort"));
}

std::int64_t LargestInput(int bits, std::uint64_t clients) {
  const std::int64_t most = (std::int64_t{1} << (bits - 1)) - 1;
  return most / static_cast<std::int64_t>(std::max<std::uint64_t>(clients, 1));
}

std::int64_t Centred(std::uint64_t word, int bits) {
  return static_cast<std::int64_t>(word << (64 - bits)) >> (64 - bits);
}

}  // namespace tributary::secagg
