// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/loss_composition.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "unsupported/Eigen/FFT"

namespace tributary::dp {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
// Of the tilted distribution, outside the window of the FFT.
constexpr double kLostMass = 1e-10;
constexpr std::size_t kLargestWindow = std::size_t{1} << 23;

// ln E e^(tilt loss) of the finite losses, and the first two derivatives.
struct Cumulants {
  double log_moment = 0;
  double mean = 0;
  double variance = 0;
};

// One kind of release in one direction.
class Term {
 public:
  Term(const LossDistribution& loss, std::int64_t count)
      : loss_(loss), count_(count), log_mass_(loss.mass.size()) {
    std::ranges::transform(loss.mass, log_mass_.begin(),
                           [](double mass) { return std::log(mass); });
  }

  Cumulants At(double tilt) const {
    double largest = -kInfinite;
    for (std::size_t j = 0; j < log_mass_.size(); ++j) {
      largest = std::max(largest, log_mass_[j] + tilt * Loss(j));
    }
    // About the largest term, so that the variance does not cancel.
    double total = 0;
    double first = 0;
    double second = 0;
    const double origin = Loss(log_mass_.size() / 2);
    for (std::size_t j = 0; j < log_mass_.size(); ++j) {
      const double weight = std::exp(log_mass_[j] + tilt * Loss(j) - largest);
      const double distance = Loss(j) - origin;
      total += weight;
      first += weight * distance;
      second += weight * distance * distance;
    }
    const double mean = first / total;
    return {largest + std::log(total), origin + mean,
            std::max(second / total - mean * mean, 0.0)};
  }

  // The tilted distribution around its mean, wrapped to `size` points; returns
  // the index of the grid that stands at 0.
  std::int64_t Wrap(double tilt, std::vector<double>& out) const {
    const Cumulants cumulants = At(tilt);
    const auto centre = static_cast<std::int64_t>(
        std::llround(cumulants.mean / loss_.interval));
    const auto size = static_cast<std::int64_t>(out.size());
    std::ranges::fill(out, 0.0);
    for (std::size_t j = 0; j < log_mass_.size(); ++j) {
      const std::int64_t offset =
          loss_.lowest + static_cast<std::int64_t>(j) - centre;
      const std::int64_t at = ((offset % size) + size) % size;
      out[static_cast<std::size_t>(at)] +=
          std::exp(log_mass_[j] + tilt * Loss(j) - cumulants.log_moment);
    }
    return centre;
  }

  std::int64_t count() const { return count_; }
  double infinite_mass() const { return loss_.infinite_mass; }

 private:
  double Loss(std::size_t j) const {
    return static_cast<double>(loss_.lowest + static_cast<std::int64_t>(j)) *
           loss_.interval;
  }

  const LossDistribution& loss_;
  std::int64_t count_;
  std::vector<double> log_mass_;
};

class Sum {
 public:
  Sum(std::vector<Term> terms, double interval)
      : terms_(std::move(terms)), interval_(interval) {}

  absl::StatusOr<double> Epsilon(double delta) const {
    double log_finite = 0;
    for (const Term& term : terms_) {
      log_finite +=
          static_cast<double>(term.count()) * std::log1p(-term.infinite_mass());
    }
    const double infinite = -std::expm1(log_finite);
    if (infinite >= delta) return kInfinite;

    const double tilt = TiltTo(delta);
    const Cumulants tilted = At(tilt);
    const Window window = Around(tilt, tilted);
    if (!(window.points < kLargestWindow)) {
      return absl::OutOfRangeError(
          absl::StrCat("the composed privacy loss needs ", window.points,
                       " points; take an interval larger than ", interval_));
    }
    const std::size_t size = std::bit_ceil(
        std::max<std::size_t>(static_cast<std::size_t>(window.points), 1024));
    std::int64_t shift = 0;
    const std::vector<double> mass = Convolve(tilt, size, shift);

    // delta(e) = infinite + sum over losses l > e of (1 - e^(e - l)) mass(l),
    // from the top until it exceeds delta; `upper` and `lower` are the sums of
    // mass(l) and of e^-l mass(l).
    double upper = infinite + delta * kLostMass;
    double lower = 0;
    for (std::size_t i = size; i-- > 0;) {
      const std::int64_t index = window.lowest + static_cast<std::int64_t>(i);
      const double loss = static_cast<double>(index) * interval_;
      if (loss <= 0) break;
      if (upper > delta && lower > 0 &&
          std::log((upper - delta) / lower) >= loss) {
        break;
      }
      if (i == 0) return loss;  // the window's end is as far as we know
      const auto slots = static_cast<std::int64_t>(size);
      const std::int64_t slot = (((index - shift) % slots) + slots) % slots;
      const double untilted =
          std::max(mass[static_cast<std::size_t>(slot)], 0.0) *
          std::exp(tilted.log_moment - tilt * loss);
      upper += untilted;
      lower += untilted * std::exp(-loss);
    }
    if (upper - lower <= delta) return 0;
    return std::max(std::log((upper - delta) / lower), 0.0);
  }

 private:
  struct Window {
    std::int64_t lowest = 0;  // index of the grid
    double points = 0;
  };

  Cumulants At(double tilt) const {
    Cumulants sum;
    for (const Term& term : terms_) {
      const auto count = static_cast<double>(term.count());
      const Cumulants one = term.At(tilt);
      sum.log_moment += count * one.log_moment;
      sum.mean += count * one.mean;
      sum.variance += count * one.variance;
    }
    return sum;
  }

  // Chernoff: Pr[S >= u] <= e^(K(t) - t u) is delta at the t whose tilted mean
  // is u, where t K'(t) - K(t) = ln 1/delta. Grows with t; need not be exact.
  double TiltTo(double delta) const {
    const double wanted = -std::log(delta);
    double low = 0;
    double high = kInfinite;
    double tilt = std::sqrt(2 * wanted / std::max(At(0).variance, 1e-300));
    for (int i = 0; i < 100; ++i) {
      const Cumulants at = At(tilt);
      const double excess = tilt * at.mean - at.log_moment - wanted;
      if (std::abs(excess) < 0.01 * wanted) break;
      (excess < 0 ? low : high) = tilt;
      // Newton, kept between what is known.
      double next = tilt - excess / (tilt * std::max(at.variance, 1e-300));
      if (!(next > low && next < high)) {
        next = high == kInfinite ? 2 * tilt : (low + high) / 2;
      }
      tilt = std::min(next, 8 * tilt);
    }
    return tilt;
  }

  // Where all of the tilted distribution lies but kLostMass on each side:
  // Chernoff again, at the best of a few second tilts.
  Window Around(double tilt, const Cumulants& tilted) const {
    const double wanted = -std::log(kLostMass);
    const double first =
        std::sqrt(2 * wanted / std::max(tilted.variance, 1e-300));
    double high = kInfinite;
    double low = -kInfinite;
    for (const double factor : {0.25, 0.5, 1.0, 2.0}) {
      const double more = factor * first;
      high = std::min(
          high,
          (At(tilt + more).log_moment - tilted.log_moment + wanted) / more);
      low = std::max(
          low,
          (tilted.log_moment - At(tilt - more).log_moment - wanted) / more);
    }
    const double lowest = std::floor(low / interval_);
    return {static_cast<std::int64_t>(lowest),
            std::ceil(high / interval_) - lowest + 1};
  }

  std::vector<double> Convolve(double tilt, std::size_t size,
                               std::int64_t& shift) const {
    Eigen::FFT<double> fft;
    fft.SetFlag(Eigen::FFT<double>::HalfSpectrum);
    std::vector<double> values(size);
    std::vector<std::complex<double>> product(size / 2 + 1, 1.0);
    std::vector<std::complex<double>> spectrum(size / 2 + 1);
    for (const Term& term : terms_) {
      shift += term.count() * term.Wrap(tilt, values);
      fft.fwd(spectrum.data(), values.data(), static_cast<int>(size));
      const auto count = static_cast<double>(term.count());
      for (std::size_t k = 0; k < spectrum.size(); ++k) {
        const double radius = std::pow(std::abs(spectrum[k]), count);
        if (radius < 1e-40) {
          product[k] = 0;
          continue;
        }
        product[k] *= std::polar(radius, count * std::arg(spectrum[k]));
      }
    }
    fft.inv(values.data(), product.data(), static_cast<int>(size));
    return values;
  }

  std::vector<Term> terms_;
  double interval_;
};

absl::StatusOr<double> OneDirection(std::span<const RepeatedLoss> losses,
                                    LossDistribution PrivacyLoss::*direction,
                                    double delta) {
  std::vector<Term> terms;
  terms.reserve(losses.size());
  for (const RepeatedLoss& repeated : losses) {
    terms.emplace_back(repeated.loss->*direction, repeated.count);
  }
  return Sum(std::move(terms), (losses.front().loss->*direction).interval)
      .Epsilon(delta);
}

}  // namespace

absl::StatusOr<double> ComposedEpsilon(std::span<const RepeatedLoss> losses,
                                       double delta) {
  if (losses.empty()) return 0.0;
  for (const RepeatedLoss& repeated : losses) {
    if (repeated.loss->removal.interval !=
        losses.front().loss->removal.interval) {
      return absl::InvalidArgumentError(absl::StrCat(
          "losses on grids of ", repeated.loss->removal.interval, " and ",
          losses.front().loss->removal.interval, " cannot be added"));
    }
  }
  const auto removal = OneDirection(losses, &PrivacyLoss::removal, delta);
  if (!removal.ok()) return removal;
  const auto addition = OneDirection(losses, &PrivacyLoss::addition, delta);
  if (!addition.ok()) return addition;
  return std::max(*removal, *addition);
}

}  // namespace tributary::dp
