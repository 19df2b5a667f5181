// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/mechanism.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "privacy/dp/distributed_noise.h"

namespace tributary::dp {
namespace {

constexpr double kLeastVariance = 8192;
// Of variances from there on: at 8192 it is 8 grid points squared, of which
// rounding to kNoiseDigits takes less than a quarter.
constexpr double kSmoothingShare = 0x1p-10;
constexpr double kWordSmoothing = 2.25;

// Rounds whose norms and variances were rounded up to integers differ in the
// last digits of the same noise multiplier. So many binary digits of it count,
// or a run with an adaptive clip norm would be as many mechanisms as rounds.
constexpr double kNoiseDigits = 16;

double RoundedNoise(double noise) {
  int exponent = 0;
  const double digits = std::frexp(noise, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(digits, kNoiseDigits)),
                    exponent - static_cast<int>(kNoiseDigits));
}

absl::Status Wrong(const Statistic& statistic, const char* field, double value,
                   const char* expected) {
  return absl::InvalidArgumentError(absl::StrCat("statistic ", statistic.name,
                                                 ": ", field, " ", value,
                                                 " is not ", expected));
}

double AccountedVariance(const Statistic& statistic) {
  return statistic.variance >= kLeastVariance
             ? statistic.variance * (1 - kSmoothingShare)
             : statistic.variance - kWordSmoothing;
}

// All statistics as one Gaussian, in units in which each has the same noise.
double GaussianNoise(const Mechanism& mechanism) {
  double inverse = 0;
  for (const Statistic& statistic : mechanism.statistics) {
    inverse += statistic.l2 * statistic.l2 / AccountedVariance(statistic);
  }
  return RoundedNoise(1 / std::sqrt(inverse));
}

// A cohort of everybody is no sample.
Sampling AccountedSampling(const Mechanism& mechanism) {
  return mechanism.rate == 1 ? Sampling::kNone : mechanism.sampling;
}

RdpCurve SkellamRounds(const Mechanism& mechanism) {
  const double moves = mechanism.neighbours == Neighbours::kReplaceOne ? 2 : 1;
  RdpCurve curve;
  for (const Statistic& statistic : mechanism.statistics) {
    curve += SkellamRdp({moves * statistic.l1, moves * statistic.l2},
                        statistic.variance);
  }
  switch (AccountedSampling(mechanism)) {
    case Sampling::kNone:
      break;
    case Sampling::kPoisson:
      return PoissonRdp(mechanism.rate, curve);
    case Sampling::kFixedSize:
      return FixedSizeRdp(mechanism.rate, curve);
  }
  return curve;
}

absl::Status CheckNeighbours(std::span<const Charge> charges) {
  for (const Charge& charge : charges) {
    if (charge.mechanism.neighbours != charges.front().mechanism.neighbours) {
      return absl::UnimplementedError(
          "rounds of different neighbouring relations are not added up: take "
          "one privacy.neighbours for all runs of a population");
    }
  }
  return absl::OkStatus();
}

// Charges of a kind are one, in an order of their own: a sum of floats depends
// on its order.
struct Sorted {
  std::vector<GaussianRounds> gaussian;
  std::map<Mechanism, std::int64_t> skellam;
};

absl::StatusOr<Sorted> Sort(Accountant accountant,
                            std::span<const Charge> charges) {
  if (auto status = CheckNeighbours(charges); !status.ok()) return status;
  Sorted sorted;
  std::map<std::tuple<Sampling, double, Neighbours, double>, std::int64_t>
      gaussian;
  for (const Charge& charge : charges) {
    const Mechanism& mechanism = charge.mechanism;
    absl::Status status = mechanism.Validate();
    status.Update(Covers(accountant, mechanism));
    if (!status.ok()) return status;
    if (mechanism.noise == Noise::kDistributed) {
      sorted.skellam[mechanism] += charge.rounds;
      continue;
    }
    const Sampling sampling = AccountedSampling(mechanism);
    gaussian[{sampling, sampling == Sampling::kNone ? 1 : mechanism.rate,
              mechanism.neighbours, GaussianNoise(mechanism)}] += charge.rounds;
  }
  for (const auto& [kind, rounds] : gaussian) {
    const auto& [sampling, rate, neighbours, noise] = kind;
    sorted.gaussian.push_back({.noise_multiplier = noise,
                               .sampling = sampling,
                               .rate = rate,
                               .neighbours = neighbours,
                               .rounds = rounds});
  }
  return sorted;
}

}  // namespace

std::string_view Name(Noise noise) {
  switch (noise) {
    case Noise::kCentral:
      return "central";
    case Noise::kDistributed:
      return "distributed";
    case Noise::kLocal:
      return "local";
  }
  return "";
}

double Statistic::NoiseMultiplier() const { return std::sqrt(variance) / l2; }

absl::Status Mechanism::Validate() const {
  if (statistics.empty()) {
    return absl::InvalidArgumentError("a mechanism without statistics");
  }
  if (!(rate > 0 && rate <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("rate: ", rate, " is not in (0, 1]"));
  }
  for (const Statistic& one : statistics) {
    if (one.words < 1) {
      return Wrong(one, "words", static_cast<double>(one.words), "positive");
    }
    for (const auto& [field, value] : {std::pair{"l1", one.l1},
                                       {"l2", one.l2},
                                       {"variance", one.variance}}) {
      if (!(value > 0 && std::isfinite(value))) {
        return Wrong(one, field, value, "a positive number");
      }
    }
    const double multiplier = one.NoiseMultiplier();
    if (!(multiplier >= kLeastNoiseMultiplier &&
          multiplier <= kMostNoiseMultiplier)) {
      return Wrong(one, "noise multiplier", multiplier, "between 0.1 and 1e6");
    }
    if (noise == Noise::kDistributed || one.variance >= kLeastVariance ||
        (one.words == 1 && one.variance > kWordSmoothing)) {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "statistic ", one.name, ": integer noise of standard deviation ",
        std::sqrt(one.variance),
        " is too coarse to be accounted as Gaussian: take more update.bits"));
  }
  return absl::OkStatus();
}

absl::Status Covers(Accountant accountant, const Mechanism& mechanism) {
  const bool is_replaced = mechanism.neighbours == Neighbours::kReplaceOne;
  switch (mechanism.noise) {
    case Noise::kCentral:
      return Covers(accountant, mechanism.sampling, mechanism.neighbours);
    case Noise::kLocal:
      // Who takes part is seen, with every message.
      if (mechanism.sampling != Sampling::kNone) {
        return absl::UnimplementedError(
            "local noise is seen with the client's name, so no sampling hides "
            "it: take sampling none");
      }
      if (!is_replaced) {
        return absl::UnimplementedError(
            "local noise hides what a client sends, not whether it takes part: "
            "take neighbours replace_one");
      }
      return absl::OkStatus();
    case Noise::kDistributed:
      break;
  }
  if (mechanism.sampling == Sampling::kPoisson && is_replaced) {
    return absl::UnimplementedError(
        "distributed noise on Poisson cohorts is accounted for neighbours that "
        "add or remove one client only: take neighbours add_or_remove_one, or "
        "central noise");
  }
  if (mechanism.sampling == Sampling::kFixedSize && !is_replaced) {
    return absl::UnimplementedError(
        "cohorts of fixed size are accounted for neighbours that replace one "
        "client only");
  }
  if (accountant == Accountant::kPld) {
    return absl::UnimplementedError(
        "distributed noise is accounted by RDP only");
  }
  return absl::OkStatus();
}

absl::StatusOr<Accountant> TightestFor(std::span<const Charge> charges) {
  if (auto status = CheckNeighbours(charges); !status.ok()) return status;
  absl::Status status;
  for (const Accountant accountant : {Accountant::kPld, Accountant::kRdp}) {
    status = absl::OkStatus();
    for (const Charge& charge : charges) {
      status.Update(Covers(accountant, charge.mechanism));
    }
    if (status.ok()) return accountant;
  }
  return status;
}

absl::StatusOr<double> Epsilon(Accountant accountant,
                               std::span<const Charge> charges, double delta) {
  const auto sorted = Sort(accountant, charges);
  if (!sorted.ok()) return sorted.status();
  if (sorted->skellam.empty()) {
    return Epsilon(accountant, sorted->gaussian, delta);
  }
  if (!(delta > 0 && delta < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("delta: ", delta, " is not between 0 and 1"));
  }
  RdpCurve sum;
  for (const GaussianRounds& rounds : sorted->gaussian) sum += RdpOf(rounds);
  for (const auto& [mechanism, rounds] : sorted->skellam) {
    sum += static_cast<double>(rounds) * SkellamRounds(mechanism);
  }
  return EpsilonOf(sum, delta).epsilon;
}

absl::StatusOr<std::int64_t> MostRounds(Accountant accountant,
                                        std::span<const Charge> earlier,
                                        const Mechanism& mechanism,
                                        std::int64_t limit,
                                        const PrivacyTarget& target) {
  std::vector<Charge> charges(earlier.begin(), earlier.end());
  charges.push_back({mechanism, 0});
  absl::Status status;
  const auto fits = [&](std::int64_t rounds) {
    charges.back().rounds = rounds;
    const auto epsilon = Epsilon(accountant, charges, target.delta);
    status.Update(epsilon.status());
    return epsilon.ok() && *epsilon <= target.epsilon;
  };
  std::int64_t low = 0;
  std::int64_t high = limit + 1;
  // All of them, most often.
  if (limit > 0) (fits(limit) ? low : high) = limit;
  while (status.ok() && high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  if (!status.ok()) return status;
  return low;
}

absl::StatusOr<double> CalibrateNoise(
    Accountant accountant,
    absl::FunctionRef<absl::StatusOr<Mechanism>(double)> mechanism_at,
    std::int64_t rounds, const PrivacyTarget& target,
    const NoiseLimits& limits) {
  const auto least = [&](Accountant by, double start) {
    return LeastNoise(
        [&](double noise) -> absl::StatusOr<double> {
          auto mechanism = mechanism_at(noise);
          if (!mechanism.ok()) return mechanism.status();
          const Charge charge{*std::move(mechanism), rounds};
          return Epsilon(by, {&charge, 1}, target.delta);
        },
        target.epsilon, limits, start);
  };
  double start = 1;
  if (accountant == Accountant::kPld) {
    const auto quick = least(Accountant::kRdp, start);
    if (quick.ok()) start = *quick;
  }
  return least(accountant, start);
}

}  // namespace tributary::dp
