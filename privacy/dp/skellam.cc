// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/skellam.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tributary::dp {
namespace {

constexpr std::uint64_t kLargestVariance = std::uint64_t{1} << 31;
// Of the most likely value. The sum stays below 2^127: there are fewer than
// 2^17 weights as large.
constexpr Wide kLargestWeight = Wide{1} << 110;
// First bits of a point, by which a search begins.
constexpr int kGuideBits = 12;
constexpr std::uint64_t kGuide = std::uint64_t{1} << kGuideBits;

// floor(weight times / over), where weight times may not fit.
Wide Scaled(Wide weight, std::uint64_t times, std::uint64_t over) {
  return weight / over * times + weight % over * times / over;
}

}  // namespace

absl::StatusOr<Skellam> Skellam::WithVariance(std::uint64_t variance) {
  if (variance < 2 || variance > kLargestVariance || variance % 2 != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("Skellam noise has an even variance between 2 and 2^31, "
                     "not ",
                     variance));
  }
  return Skellam(variance / 2);
}

Skellam::Skellam(std::uint64_t mean) {
  // p(k) = p(k-1) mean / k, from the mode down and then up, until a weight is
  // below one part of the largest.
  std::vector<Wide> sums;
  Wide weight = kLargestWeight;
  for (std::uint64_t k = mean; weight > 0; --k) {
    sums.push_back(weight);
    if (k == 0) break;
    weight = Scaled(weight, k, mean);
  }
  std::ranges::reverse(sums);
  weight = kLargestWeight;
  for (std::uint64_t k = mean + 1;; ++k) {
    weight = Scaled(weight, mean, k);
    if (weight == 0) break;
    sums.push_back(weight);
  }
  Wide sum = 0;
  high_.reserve(sums.size());
  low_.reserve(sums.size());
  for (const Wide one : sums) {
    sum += one;
    high_.push_back(static_cast<std::uint64_t>(sum >> 64));
    low_.push_back(static_cast<std::uint64_t>(sum));
  }
  const int bits = BitWidth(sum) - 64;
  unused_bits_ = 64 - bits;
  for (std::uint64_t start = 0; start < kGuide; ++start) {
    const auto first =
        std::ranges::lower_bound(high_, start << (bits - kGuideBits));
    guide_.push_back(static_cast<std::uint32_t>(first - high_.begin()));
  }
  guide_.push_back(static_cast<std::uint32_t>(high_.size()));
}

// Counted from the table's first value: a difference needs no more.
std::int64_t Skellam::Poisson(RandomSource& random) const {
  while (true) {
    const std::uint64_t high = random.Word() >> unused_bits_;
    const std::uint64_t start = high >> (64 - unused_bits_ - kGuideBits);
    // The first value that a point with these high bits may fall on.
    std::size_t value = static_cast<std::size_t>(
        std::lower_bound(high_.begin() + guide_[start],
                         high_.begin() + guide_[start + 1], high) -
        high_.begin());
    if (value == high_.size()) continue;  // beyond the sum
    if (high < high_[value]) return static_cast<std::int64_t>(value);
    const std::uint64_t low = random.Word();
    while (value < high_.size() && high == high_[value] && low >= low_[value]) {
      ++value;
    }
    if (value < high_.size()) return static_cast<std::int64_t>(value);
  }
}

std::int64_t Skellam::Sample(RandomSource& random) const {
  const std::int64_t first = Poisson(random);
  return first - Poisson(random);
}

}  // namespace tributary::dp
