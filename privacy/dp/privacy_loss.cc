// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/privacy_loss.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace tributary::dp {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
// Standard deviations beyond which mass (2e-33) is taken as lost: compositions
// of 10^9 rounds stay below any delta of use.
constexpr double kTail = 12;
constexpr double kLargestGrid = 1 << 21;

// A point of the normal distribution with mean `mean`: the tail beyond it on
// its own side keeps all digits.
struct NormalPoint {
  NormalPoint(double x, double mean, double deviation)
      : z((x - mean) / deviation),
        tail(0.5 * std::erfc(std::abs(z) * (std::numbers::sqrt2 / 2))) {}
  double z;
  double tail;
};

double MassBetween(const NormalPoint& low, const NormalPoint& high) {
  if (low.z >= 0) return low.tail - high.tail;
  if (high.z <= 0) return high.tail - low.tail;
  return 1 - low.tail - high.tail;
}

// (1-q) N(0, s^2) + q N(centre, s^2).
class Mixture {
 public:
  Mixture(double rate, double centre, double deviation)
      : rate_(rate), centre_(centre), deviation_(deviation) {}

  struct Point {
    NormalPoint at_zero;
    NormalPoint at_centre;
  };
  Point At(double x) const {
    return {{x, 0, deviation_}, {x, centre_, deviation_}};
  }
  double Between(const Point& low, const Point& high) const {
    return (1 - rate_) * MassBetween(low.at_zero, high.at_zero) +
           rate_ * MassBetween(low.at_centre, high.at_centre);
  }

 private:
  double rate_;
  double centre_;
  double deviation_;
};

// Masses on a grid of losses, both directions at once: what P and Q put into
// one cell is split between the cell's ends so that both keep their mass.
class Dots {
 public:
  Dots(std::int64_t lowest, std::int64_t highest, double interval)
      : lowest_(lowest), interval_(interval) {
    const auto size = static_cast<std::size_t>(highest - lowest + 1);
    loss_.removal = {interval, lowest, std::vector<double>(size), 0};
    loss_.addition = {interval, -highest, std::vector<double>(size), 0};
  }

  // Mass p under P and q under Q at losses between two points of the grid, the
  // lower with index `lower`.
  void AddCell(std::int64_t lower, double p, double q) {
    const auto at = static_cast<std::size_t>(lower - lowest_);
    Split(p, q, static_cast<double>(lower), loss_.removal.mass[at],
          loss_.removal.mass[at + 1]);
    // Seen from Q the loss is the negative, and the order of the ends turns.
    auto& addition = loss_.addition.mass;
    const std::size_t mirrored = addition.size() - 1 - at;
    Split(q, p, static_cast<double>(-lower - 1), addition[mirrored - 1],
          addition[mirrored]);
  }
  // Mass at losses below the grid, and above it: rounded up.
  void AddBelow(double p, double q) {
    loss_.removal.mass.front() += p;
    loss_.addition.infinite_mass += q;
  }
  void AddAbove(double p, double q) {
    loss_.removal.infinite_mass += p;
    loss_.addition.mass.front() += q;
  }

  PrivacyLoss Take() && { return std::move(loss_); }

 private:
  // a + b = p,  a e^-low + b e^-high = q.
  void Split(double p, double q, double lower, double& at_low,
             double& at_high) const {
    const double high = std::clamp(
        (p - q * std::exp(lower * interval_)) / -std::expm1(-interval_), 0.0,
        p);
    at_low += p - high;
    at_high += high;
  }

  std::int64_t lowest_;
  double interval_;
  PrivacyLoss loss_;
};

// P and Q over the line, and where the loss, growing with the outcome, reaches
// a value: -infinity if it is always above.
template <typename PointOfLoss>
PrivacyLoss Connect(const Mixture& p, const Mixture& q, double least_loss,
                    double largest_loss, double interval,
                    PointOfLoss point_of_loss) {
  const auto lowest =
      static_cast<std::int64_t>(std::floor(least_loss / interval));
  const auto highest =
      static_cast<std::int64_t>(std::ceil(largest_loss / interval));
  Dots dots(lowest, highest, interval);
  double x = point_of_loss(static_cast<double>(lowest) * interval);
  Mixture::Point in_p = p.At(x);
  Mixture::Point in_q = q.At(x);
  const double line = kInfinite;
  dots.AddBelow(p.Between(p.At(-line), in_p), q.Between(q.At(-line), in_q));
  for (std::int64_t index = lowest; index < highest; ++index) {
    x = point_of_loss(static_cast<double>(index + 1) * interval);
    const Mixture::Point next_p = p.At(x);
    const Mixture::Point next_q = q.At(x);
    dots.AddCell(index, p.Between(in_p, next_p), q.Between(in_q, next_q));
    in_p = next_p;
    in_q = next_q;
  }
  dots.AddAbove(p.Between(in_p, p.At(line)), q.Between(in_q, q.At(line)));
  return std::move(dots).Take();
}

// ln(1 - q + q e^((2x - 1) / 2s^2)), q > 0.
double PoissonLossAt(double x, double rate, double noise) {
  const double exponent = (2 * x - 1) / (2 * noise * noise);
  if (exponent > 1) {
    return exponent + std::log(rate + (1 - rate) * std::exp(-exponent));
  }
  return std::log1p(rate * std::expm1(exponent));
}

}  // namespace

double LossInterval(double rate, double noise) {
  // The standard deviation of e^loss - 1 under Q.
  const double deviation =
      rate * std::sqrt(std::expm1(std::min(1 / (noise * noise), 700.0)));
  return std::max(std::min(1e-4, deviation / 20),
                  LeastLossInterval(rate, noise));
}

double LeastLossInterval(double rate, double noise) {
  const double range = PoissonLossAt(1 + kTail * noise, rate, noise) -
                       PoissonLossAt(-kTail * noise, rate, noise);
  return range / kLargestGrid;
}

PrivacyLoss PoissonGaussianLoss(double rate, double noise, double interval) {
  const Mixture with(rate, 1, noise);
  const Mixture without(0, 1, noise);
  return Connect(with, without, PoissonLossAt(-kTail * noise, rate, noise),
                 PoissonLossAt(1 + kTail * noise, rate, noise), interval,
                 [&](double loss) {
                   // e^loss = 1 - q + q e^((2x - 1) / 2s^2)
                   const double grown = std::expm1(loss) / rate;
                   if (grown <= -1) return -kInfinite;
                   return noise * noise * std::log1p(grown) + 0.5;
                 });
}

PrivacyLoss PoissonReplacedGaussianLoss(double rate, double noise,
                                        double interval) {
  const Mixture one(rate, 1, noise);
  const Mixture other(rate, -1, noise);
  const double x = 1 + kTail * noise;
  const double largest =
      PoissonLossAt(x, rate, noise) - PoissonLossAt(-x, rate, noise);
  return Connect(one, other, -largest, largest, interval, [&](double loss) {
    // With u = e^(x/s^2) and k = q e^(-1/2s^2):
    //     k u^2 + (1-q)(1 - e^loss) u - k e^loss = 0
    // For losses below 0 the mirror image, where nothing cancels.
    const double size = std::abs(loss);
    const double k = rate * std::exp(-1 / (2 * noise * noise));
    const double half = (1 - rate) * std::expm1(size) / (2 * k);
    const double u = half + std::sqrt(half * half + std::exp(size));
    return std::copysign(noise * noise * std::log(u), loss);
  });
}

PrivacyLoss DiscreteGaussianLoss(double noise, double interval) {
  // P is centred at 0, Q at 1: the loss of outcome x is (1 - 2x) / 2s^2.
  const double variance = noise * noise;
  const auto reach = static_cast<std::int64_t>(std::ceil(kTail * noise)) + 1;
  const auto weight = [&](std::int64_t x) {
    return std::exp(-static_cast<double>(x * x) / (2 * variance));
  };
  double total = 0;
  for (std::int64_t x = -reach; x <= reach; ++x) total += weight(x);
  const double largest = static_cast<double>(2 * reach + 1) / (2 * variance);
  const auto highest =
      static_cast<std::int64_t>(std::ceil(largest / interval)) + 1;
  Dots dots(-highest, highest, interval);
  for (std::int64_t x = -reach; x <= reach + 1; ++x) {
    const double loss = (1 - 2 * static_cast<double>(x)) / (2 * variance);
    const auto cell = static_cast<std::int64_t>(std::floor(loss / interval));
    dots.AddCell(cell, weight(x) / total, weight(x - 1) / total);
  }
  // What lies farther out, at most as much again as its first weight.
  const double rest = 2 * weight(reach + 1) / total;
  dots.AddBelow(rest, rest);
  dots.AddAbove(rest, rest);
  return std::move(dots).Take();
}

}  // namespace tributary::dp
