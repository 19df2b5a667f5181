// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/poisson_draws.h"

#include <algorithm>
#include <cmath>

namespace tributary::dp {
namespace {

// Of delta, what all draws may add that no accountant knows of.
constexpr double kUncharged = 0.01;

// The first of low .. high - 1 that `holds`, which it does from there on; else
// high.
template <typename Holds>
std::int64_t FirstThat(std::int64_t low, std::int64_t high, Holds holds) {
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (holds(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace

double SmallDrawBound(double mean, std::int64_t minimum) {
  if (minimum < 1) return 0;
  const double x = static_cast<double>(minimum - 1) / mean;
  if (!(x < 1)) return 1;
  if (x == 0) return std::exp(-mean);
  return std::exp(-mean * (x * std::log(x) - x + 1));
}

double PoissonDraws::Rate() const {
  return std::min(
      1.0, static_cast<double>(cohort) / static_cast<double>(population));
}

bool PoissonDraws::IsRare(double mean, std::int64_t minimum) const {
  return static_cast<double>(rounds * attempts) * Rate() *
             SmallDrawBound(mean, minimum) <=
         kUncharged * delta;
}

std::int64_t PoissonDraws::LargestMinimum(std::int64_t waiting) const {
  const double mean = static_cast<double>(waiting) * Rate();
  return FirstThat(
             1, waiting + 1,
             [&](std::int64_t minimum) { return !IsRare(mean, minimum); }) -
         1;
}

std::int64_t PoissonDraws::LeastWaiting(std::int64_t minimum) const {
  return FirstThat(minimum, population + 1, [&](std::int64_t waiting) {
    return IsRare(static_cast<double>(waiting) * Rate(), minimum);
  });
}

}  // namespace tributary::dp
