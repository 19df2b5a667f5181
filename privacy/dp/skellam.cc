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
  Wide weight = kLargestWeight;
  for (std::uint64_t k = mean; weight > 0; --k) {
    cumulative_.push_back(weight);
    if (k == 0) break;
    weight = Scaled(weight, k, mean);
  }
  std::ranges::reverse(cumulative_);
  weight = kLargestWeight;
  for (std::uint64_t k = mean + 1;; ++k) {
    weight = Scaled(weight, mean, k);
    if (weight == 0) break;
    cumulative_.push_back(weight);
  }
  for (std::size_t i = 1; i < cumulative_.size(); ++i) {
    cumulative_[i] += cumulative_[i - 1];
  }
}

// Counted from the table's first value: a difference needs no more.
std::int64_t Skellam::Poisson(RandomSource& random) const {
  const Wide point = BelowWide(cumulative_.back(), random);
  return std::ranges::upper_bound(cumulative_, point) - cumulative_.begin();
}

std::int64_t Skellam::Sample(RandomSource& random) const {
  const std::int64_t first = Poisson(random);
  return first - Poisson(random);
}

}  // namespace tributary::dp
