// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/accountant.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "privacy/dp/analytic_gaussian.h"
#include "privacy/dp/gaussian_rdp.h"
#include "privacy/dp/loss_composition.h"
#include "privacy/dp/privacy_loss.h"

namespace tributary::dp {
namespace {

constexpr double kPrecision = 1.001;

absl::Status Validate(const GaussianRounds& rounds, double delta) {
  if (!(rounds.noise_multiplier >= kLeastNoiseMultiplier &&
        rounds.noise_multiplier <= kMostNoiseMultiplier)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "noise_multiplier: ", rounds.noise_multiplier, " is not between ",
        kLeastNoiseMultiplier, " and ", kMostNoiseMultiplier));
  }
  if (!(rounds.rate > 0 && rounds.rate <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("rate: ", rounds.rate, " is not in (0, 1]"));
  }
  if (rounds.rounds < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("rounds: ", rounds.rounds, " is less than 1"));
  }
  if (!(delta > 0 && delta < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("delta: ", delta, " is not between 0 and 1"));
  }
  return absl::OkStatus();
}

// A replaced client moves the sum by two clip norms.
double NoiseOverSensitivity(const GaussianRounds& rounds) {
  return rounds.neighbours == Neighbours::kReplaceOne
             ? rounds.noise_multiplier / 2
             : rounds.noise_multiplier;
}

bool IsUnsampled(const GaussianRounds& rounds) {
  return rounds.sampling == Sampling::kNone || rounds.rate == 1;
}

absl::StatusOr<double> ByPld(std::span<const GaussianRounds> all,
                             double delta) {
  if (std::ranges::all_of(all, IsUnsampled)) {
    double inverse_variance = 0;
    for (const GaussianRounds& rounds : all) {
      inverse_variance += static_cast<double>(rounds.rounds) *
                          std::pow(NoiseOverSensitivity(rounds), -2);
    }
    return AnalyticGaussianEpsilon(1 / std::sqrt(inverse_variance), delta);
  }
  const auto rate = [](const GaussianRounds& rounds) {
    return rounds.sampling == Sampling::kNone ? 1 : rounds.rate;
  };
  // One grid for all: fine enough for the smallest losses, if the largest fit.
  double interval =
      LossInterval(rate(all.front()), all.front().noise_multiplier);
  double least = 0;
  for (const GaussianRounds& rounds : all) {
    interval =
        std::min(interval, LossInterval(rate(rounds), rounds.noise_multiplier));
    least = std::max(least,
                     LeastLossInterval(rate(rounds), rounds.noise_multiplier));
  }
  interval = std::max(interval, least);
  while (true) {
    std::vector<PrivacyLoss> losses;
    losses.reserve(all.size());
    std::vector<RepeatedLoss> repeated;
    for (const GaussianRounds& rounds : all) {
      losses.push_back(
          rounds.neighbours == Neighbours::kReplaceOne
              ? PoissonReplacedGaussianLoss(rate(rounds),
                                            rounds.noise_multiplier, interval)
              : PoissonGaussianLoss(rate(rounds), rounds.noise_multiplier,
                                    interval));
      repeated.push_back({&losses.back(), rounds.rounds});
    }
    const auto epsilon = ComposedEpsilon(repeated, delta);
    // Where losses spread over hundreds, a coarser grid is as good.
    if (epsilon.ok() || !absl::IsOutOfRange(epsilon.status()) ||
        interval > 0.1) {
      return epsilon;
    }
    interval *= 8;
  }
}

}  // namespace

std::string_view Name(Sampling sampling) {
  switch (sampling) {
    case Sampling::kNone:
      return "none";
    case Sampling::kPoisson:
      return "Poisson";
    case Sampling::kFixedSize:
      return "fixed size";
  }
  return "";
}

std::string_view Name(Neighbours neighbours) {
  return neighbours == Neighbours::kAddOrRemoveOne ? "add or remove one"
                                                   : "replace one";
}

std::string_view Name(Accountant accountant) {
  return accountant == Accountant::kRdp ? "RDP" : "PLD";
}

absl::Status Covers(Accountant accountant, Sampling sampling,
                    Neighbours neighbours) {
  const bool is_replaced = neighbours == Neighbours::kReplaceOne;
  if (sampling == Sampling::kFixedSize) {
    if (!is_replaced) {
      return absl::UnimplementedError(
          "cohorts of fixed size are accounted for neighbours that replace one "
          "client only");
    }
    if (accountant == Accountant::kPld) {
      return absl::UnimplementedError(
          "cohorts of fixed size are accounted by RDP only");
    }
  }
  if (sampling == Sampling::kPoisson && is_replaced &&
      accountant == Accountant::kRdp) {
    return absl::UnimplementedError(
        "Poisson cohorts and neighbours that replace one client are accounted "
        "by PLD only");
  }
  return absl::OkStatus();
}

absl::StatusOr<double> Epsilon(Accountant accountant,
                               const GaussianRounds& rounds, double delta) {
  return Epsilon(accountant, {&rounds, 1}, delta);
}

absl::StatusOr<double> Epsilon(Accountant accountant,
                               std::span<const GaussianRounds> all,
                               double delta) {
  for (const GaussianRounds& rounds : all) {
    absl::Status status = Validate(rounds, delta);
    status.Update(Covers(accountant, rounds.sampling, rounds.neighbours));
    if (!status.ok()) return status;
    if (rounds.neighbours != all.front().neighbours) {
      return absl::UnimplementedError(
          "rounds of different neighbouring relations are not added up");
    }
  }
  if (all.empty()) return 0.0;
  if (accountant == Accountant::kPld) return ByPld(all, delta);
  RdpCurve sum;
  for (const GaussianRounds& rounds : all) sum += RdpOf(rounds);
  return EpsilonOf(sum, delta).epsilon;
}

RdpCurve RdpOf(const GaussianRounds& rounds) {
  const double noise = NoiseOverSensitivity(rounds);
  const auto count = static_cast<double>(rounds.rounds);
  switch (rounds.sampling) {
    case Sampling::kNone:
      break;
    case Sampling::kPoisson:
      return count * PoissonGaussianRdp(rounds.rate, noise);
    case Sampling::kFixedSize:
      return count * FixedSizeGaussianRdp(rounds.rate, noise);
  }
  return count * GaussianRdp(noise);
}

absl::StatusOr<double> LeastNoise(
    absl::FunctionRef<absl::StatusOr<double>(double)> epsilon_at,
    double epsilon, const NoiseLimits& limits, double start) {
  if (!(epsilon > 0 && std::isfinite(epsilon))) {
    return absl::InvalidArgumentError(
        absl::StrCat("epsilon: ", epsilon, " is not a positive number"));
  }
  double high = std::clamp(start, limits.least, limits.most);
  auto above = epsilon_at(high);
  while (above.ok() && *above > epsilon) {
    if (high >= limits.most) {
      return absl::OutOfRangeError(
          absl::StrCat("a noise multiplier of ", limits.most, " still spends ",
                       *above, ", more than the epsilon of ", epsilon));
    }
    high = std::min(2 * high, limits.most);
    above = epsilon_at(high);
  }
  if (!above.ok()) return above;
  double low = high;
  auto below = above;
  while (*below <= epsilon) {
    if (low <= limits.least) return limits.least;
    high = low;
    above = below;
    low = std::max(low / 1.25, limits.least);
    below = epsilon_at(low);
    if (!below.ok()) return below;
  }

  // Epsilon is nearly a power of the noise: interpolate in logarithms, and
  // halve every other time, so that it ends whatever the curve.
  for (bool interpolates = true; high > kPrecision * low;
       interpolates = !interpolates) {
    const double width = std::log(high / low);
    double part = 0.5;
    if (interpolates && *above > 0) {
      part = std::log(*below / epsilon) / std::log(*below / *above);
    }
    // A little to the side of more noise: there the answer is good.
    const double step = std::log(kPrecision) / 2;
    const double noise = low * std::exp(std::clamp(part * width + step / 2,
                                                   step / 2, width - step / 2));
    const auto spent = epsilon_at(noise);
    if (!spent.ok()) return spent;
    if (*spent <= epsilon) {
      high = noise;
      above = spent;
    } else {
      low = noise;
      below = spent;
    }
  }
  return high;
}

absl::StatusOr<double> CalibrateNoise(Accountant accountant,
                                      GaussianRounds rounds,
                                      const PrivacyTarget& target) {
  // Start from the quick accountant's answer where there is one: it is hardly
  // more than what the tight one needs.
  double start = 1;
  if (accountant == Accountant::kPld &&
      Covers(Accountant::kRdp, rounds.sampling, rounds.neighbours).ok()) {
    const auto quick = CalibrateNoise(Accountant::kRdp, rounds, target);
    if (quick.ok()) start = *quick;
  }
  return LeastNoise(
      [&](double noise) {
        rounds.noise_multiplier = noise;
        return Epsilon(accountant, rounds, target.delta);
      },
      target.epsilon, {}, start);
}

}  // namespace tributary::dp
