// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/gaussian_rdp.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "privacy/dp/log_sum.h"

namespace tributary::dp {
namespace {

// Standard deviations beyond which a Gaussian weight no longer counts.
constexpr double kTail = 14;

// ln of the mean over z ~ N(0, noise^2) of e^log_value(z), by the trapezoidal
// rule, which converges exponentially for analytic functions: with this step
// the error is below e^-100 even where log_value branches at Im z = pi noise^2.
// The mass of the product must lie within [0, reach].
template <typename LogValue>
double LogGaussianMean(double noise, double reach, LogValue log_value) {
  const double step = std::min(noise, noise * noise) / 8;
  const double low = -kTail * noise;
  const double high = reach + kTail * noise;
  LogSum sum;
  for (double z = low; z <= high; z += step) {
    sum.Add(log_value(z) - z * z / (2 * noise * noise));
  }
  return sum.Log() + std::log(step / (noise * std::sqrt(2 * std::numbers::pi)));
}

// ln((1+u)^a - 1 - a u) for u = q (e^exponent - 1): what one point adds to
// A - 1, for u has mean 0.
double LogExcess(double q, double order, double exponent) {
  const double u = exponent < 700 ? q * std::expm1(exponent)
                                  : std::numeric_limits<double>::infinity();
  if (std::abs(u) < 1e-4) {
    // The difference below would lose its digits.
    return std::log(order * (order - 1) / 2 *
                    (1 + (order - 2) / 3 * u * (1 + (order - 3) / 4 * u))) +
           2 * std::log(std::abs(u));
  }
  if (u < 1) {
    return std::log(
        std::max(std::expm1(order * std::log1p(u)) - order * u, 0.0));
  }
  const double log_u = std::log(q) + LogExpm1(exponent);
  const double log_power = order * Log1pExp(log_u);
  return log_power + std::log1p(-std::exp(-log_power) -
                                order * std::exp(log_u - log_power));
}

double LogPoissonMoment(double q, double noise, double order) {
  const double twice_variance = 2 * noise * noise;
  if (order != std::floor(order)) {
    const double excess =
        LogGaussianMean(noise, std::max(order, 2.0), [&](double z) {
          return LogExcess(q, order, (2 * z - 1) / twice_variance);
        });
    return Log1pExp(excess);
  }
  // A - 1 = sum over i >= 2 of C(a,i) (1-q)^(a-i) q^i (e^((i^2-i)/2s^2) - 1):
  // without the 1, small divergences keep their digits.
  LogSum excess;
  double log_binomial = std::log(order);
  for (double i = 2; i <= order; ++i) {
    log_binomial += std::log((order - i + 1) / i);
    excess.Add(log_binomial + i * std::log(q) + (order - i) * std::log1p(-q) +
               LogExpm1((i * i - i) / twice_variance));
  }
  return Log1pExp(excess.Log());
}

// The bound of theorem 27 at whole orders, (a - 1) times the divergence.
class FixedSizeMoments {
 public:
  FixedSizeMoments(double rate, double noise) : rate_(rate), noise_(noise) {
    for (int half = 1; 2 * half <= kExact; ++half) {
      // B(l) = E (p/q - 1)^l, l even: a mean of squares, so it keeps the
      // digits that the alternating sum of the paper would lose.
      const int power = 2 * half;
      log_even_.push_back(LogGaussianMean(noise, power, [&](double z) {
        const double x = (2 * z - 1) / (2 * noise * noise);
        const double log_size = x > 0 ? LogExpm1(x) : std::log(-std::expm1(x));
        return power * log_size;
      }));
    }
  }

  double At(int order) const {
    if (order == 1) return 0;
    LogSum sum;
    sum.Add(0);
    double log_binomial = std::log(order);
    for (int j = 2; j <= order; ++j) {
      log_binomial += std::log((order - j + 1.0) / j);
      sum.Add(log_binomial + j * std::log(rate_) + LogTerm(j));
    }
    return sum.Log();
  }

 private:
  // B is computed up to here; beyond, the paper's cruder bound.
  static constexpr int kExact = 128;

  double LogTerm(int j) const {
    const double crude =
        std::numbers::ln2 + j * (j - 1) / (2 * noise_ * noise_);
    if (j == 2) {
      return std::min(std::log(4 * std::expm1(1 / (noise_ * noise_))), crude);
    }
    if (j > kExact) return crude;
    const double below = log_even_[j / 2 - 1];
    const double above = log_even_[(j + 1) / 2 - 1];
    return std::min(2 * std::numbers::ln2 + (below + above) / 2, crude);
  }

  double rate_;
  double noise_;
  std::vector<double> log_even_;  // ln B(2), ln B(4), ...
};

}  // namespace

RdpCurve GaussianRdp(double noise) {
  RdpCurve curve;
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    curve.divergence[i] = RdpOrders()[i] / (2 * noise * noise);
  }
  return curve;
}

RdpCurve PoissonGaussianRdp(double rate, double noise) {
  if (rate == 1) return GaussianRdp(noise);
  RdpCurve curve;
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    const double order = RdpOrders()[i];
    curve.divergence[i] = LogPoissonMoment(rate, noise, order) / (order - 1);
  }
  return curve;
}

RdpCurve FixedSizeGaussianRdp(double rate, double noise) {
  if (rate == 1) return GaussianRdp(noise);
  const FixedSizeMoments moments(rate, noise);
  RdpCurve curve;
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    const double order = RdpOrders()[i];
    const int below = static_cast<int>(std::floor(order));
    const double part = order - below;
    double moment = moments.At(below);
    if (part > 0) {
      moment = (1 - part) * moment + part * moments.At(below + 1);
    }
    // Never worse than without the sampling.
    curve.divergence[i] =
        std::min(moment / (order - 1), order / (2 * noise * noise));
  }
  return curve;
}

}  // namespace tributary::dp
