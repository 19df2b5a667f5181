// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/accountant.h"

#include <algorithm>
#include <cmath>

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

double ByRdp(const GaussianRounds& rounds, double delta) {
  const double noise = NoiseOverSensitivity(rounds);
  RdpCurve curve;
  switch (rounds.sampling) {
    case Sampling::kNone:
      curve = GaussianRdp(noise);
      break;
    case Sampling::kPoisson:
      curve = PoissonGaussianRdp(rounds.rate, noise);
      break;
    case Sampling::kFixedSize:
      curve = FixedSizeGaussianRdp(rounds.rate, noise);
      break;
  }
  return EpsilonOf(static_cast<double>(rounds.rounds) * curve, delta).epsilon;
}

absl::StatusOr<double> ByPld(const GaussianRounds& rounds, double delta) {
  if (rounds.sampling == Sampling::kNone || rounds.rate == 1) {
    return AnalyticGaussianEpsilon(
        NoiseOverSensitivity(rounds) /
            std::sqrt(static_cast<double>(rounds.rounds)),
        delta);
  }
  double interval = LossInterval(rounds.rate, rounds.noise_multiplier);
  while (true) {
    const PrivacyLoss loss =
        rounds.neighbours == Neighbours::kReplaceOne
            ? PoissonReplacedGaussianLoss(rounds.rate, rounds.noise_multiplier,
                                          interval)
            : PoissonGaussianLoss(rounds.rate, rounds.noise_multiplier,
                                  interval);
    const RepeatedLoss repeated{&loss, rounds.rounds};
    const auto epsilon = ComposedEpsilon({&repeated, 1}, delta);
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
  absl::Status status = Validate(rounds, delta);
  status.Update(Covers(accountant, rounds.sampling, rounds.neighbours));
  if (!status.ok()) return status;
  if (accountant == Accountant::kRdp) return ByRdp(rounds, delta);
  return ByPld(rounds, delta);
}

absl::StatusOr<double> CalibrateNoise(Accountant accountant,
                                      GaussianRounds rounds,
                                      const PrivacyTarget& target) {
  if (!(target.epsilon > 0 && std::isfinite(target.epsilon))) {
    return absl::InvalidArgumentError(
        absl::StrCat("epsilon: ", target.epsilon, " is not a positive number"));
  }
  const auto epsilon_at = [&](double noise) {
    rounds.noise_multiplier = noise;
    return Epsilon(accountant, rounds, target.delta);
  };

  // Start from the quick accountant's answer where there is one: it is hardly
  // more than what the tight one needs.
  double high = 1;
  if (accountant == Accountant::kPld &&
      Covers(Accountant::kRdp, rounds.sampling, rounds.neighbours).ok()) {
    const auto quick = CalibrateNoise(Accountant::kRdp, rounds, target);
    if (quick.ok()) high = *quick;
  }
  auto above = epsilon_at(high);
  while (above.ok() && *above > target.epsilon) {
    if (high >= kMostNoiseMultiplier) {
      return absl::OutOfRangeError(absl::StrCat(
          "a noise multiplier of ", kMostNoiseMultiplier, " still spends ",
          *above, ", more than the epsilon of ", target.epsilon));
    }
    high = std::min(2 * high, kMostNoiseMultiplier);
    above = epsilon_at(high);
  }
  if (!above.ok()) return above;
  double low = high;
  auto below = above;
  while (*below <= target.epsilon) {
    if (low <= kLeastNoiseMultiplier) return kLeastNoiseMultiplier;
    high = low;
    above = below;
    low = std::max(low / 1.25, kLeastNoiseMultiplier);
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
      part = std::log(*below / target.epsilon) / std::log(*below / *above);
    }
    // A little to the side of more noise: there the answer is good.
    const double step = std::log(kPrecision) / 2;
    const double noise = low * std::exp(std::clamp(part * width + step / 2,
                                                   step / 2, width - step / 2));
    const auto epsilon = epsilon_at(noise);
    if (!epsilon.ok()) return epsilon;
    if (*epsilon <= target.epsilon) {
      high = noise;
      above = epsilon;
    } else {
      low = noise;
      below = epsilon;
    }
  }
  return high;
}

}  // namespace tributary::dp
