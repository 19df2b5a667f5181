// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/analytic_gaussian.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tributary::dp {
namespace {

// Phi(-z), with all its digits far out.
double UpperTail(double z) {
  return 0.5 * std::erfc(z * (std::numbers::sqrt2 / 2));
}

// ln Phi(-z) for z large: e^epsilon would overflow before the tail vanishes.
double LogUpperTail(double z) {
  if (z < 30) return std::log(UpperTail(z));
  const double inverse = 1 / (z * z);
  return -z * z / 2 - std::log(z * std::sqrt(2 * std::numbers::pi)) +
         std::log1p(-inverse * (1 - 3 * inverse * (1 - 5 * inverse)));
}

}  // namespace

double AnalyticGaussianDelta(double noise, double epsilon) {
  const double first = UpperTail(epsilon * noise - 0.5 / noise);
  const double second =
      std::exp(epsilon + LogUpperTail(epsilon * noise + 0.5 / noise));
  return std::max(first - second, 0.0);
}

double AnalyticGaussianEpsilon(double noise, double delta) {
  if (AnalyticGaussianDelta(noise, 0) <= delta) return 0;
  double low = 0;
  double high = 1;
  while (AnalyticGaussianDelta(noise, high) > delta) {
    low = high;
    high *= 2;
  }
  while (high - low > 1e-12 * high) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    (AnalyticGaussianDelta(noise, middle) > delta ? low : high) = middle;
  }
  return high;
}

}  // namespace tributary::dp
