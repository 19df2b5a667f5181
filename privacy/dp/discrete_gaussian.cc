// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/discrete_gaussian.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "privacy/dp/wide.h"

namespace tributary::dp {
namespace {

constexpr std::uint64_t kLargestVariance = std::uint64_t{1} << 50;
// A Laplace draw this many scales out would be kept with probability below
// e^-8000000; without it the squares below would not fit 128 bits.
constexpr std::uint64_t kFarthest = 4096;

// True with probability e^-1 (algorithm 1 with gamma = 1, whose first trial
// never fails).
bool ExpMinusOne(RandomSource& random) {
  std::uint64_t k = 2;
  while (random.Below(k) == 0) ++k;
  return k % 2 == 1;
}

// True with probability e^-(numerator / denominator), numerator <= denominator
// (algorithm 1).
bool ExpMinusFraction(Wide numerator, Wide denominator, RandomSource& random) {
  Wide k = 1;
  while (BelowWide(denominator * k, random) < numerator) ++k;
  return k % 2 == 1;
}

bool ExpMinus(Wide numerator, Wide denominator, RandomSource& random) {
  while (numerator > denominator) {
    if (!ExpMinusOne(random)) return false;
    numerator -= denominator;
  }
  return ExpMinusFraction(numerator, denominator, random);
}

std::uint64_t FloorRoot(std::uint64_t square) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 31; bit != 0; bit >>= 1) {
    const std::uint64_t larger = root | bit;
    if (larger <= square / larger) root = larger;
  }
  return root;
}

}  // namespace

absl::StatusOr<DiscreteGaussian> DiscreteGaussian::WithVariance(
    std::uint64_t variance) {
  if (variance < 1 || variance > kLargestVariance) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a discrete Gaussian's variance lies between 1 and 2^50, not ",
        variance));
  }
  return DiscreteGaussian(variance);
}

DiscreteGaussian::DiscreteGaussian(std::uint64_t variance)
    : variance_(variance), scale_(FloorRoot(variance) + 1) {}

// Probability proportional to e^-(|x| / t) (algorithm 2 with s = 1).
std::int64_t DiscreteGaussian::Laplace(RandomSource& random) const {
  while (true) {
    const std::uint64_t within = random.Below(scale_);
    if (!ExpMinusFraction(within, scale_, random)) continue;
    std::uint64_t times = 0;
    while (ExpMinusOne(random)) ++times;
    if (times > kFarthest) continue;
    const auto size = static_cast<std::int64_t>(within + scale_ * times);
    const bool is_negative = random.Below(2) == 1;
    if (is_negative && size == 0) continue;
    return is_negative ? -size : size;
  }
}

std::int64_t DiscreteGaussian::Sample(RandomSource& random) const {
  while (true) {
    const std::int64_t value = Laplace(random);
    // Keep it with probability e^-((|y| - v/t)^2 / 2v) = e^-((|y| t - v)^2 /
    // (2 v t^2)) (algorithm 3).
    const std::uint64_t size =
        static_cast<std::uint64_t>(value < 0 ? -value : value) * scale_;
    const Wide distance =
        size > variance_ ? size - variance_ : variance_ - size;
    const Wide denominator = Wide{2} * variance_ * scale_ * scale_;
    if (ExpMinus(distance * distance, denominator, random)) return value;
  }
}

}  // namespace tributary::dp
