// SPDX-License-Identifier: Apache-2.0
// What many rounds of one noised sum spend, and how much noise a target needs.
// Values; any thread.
//
//   GaussianRounds rounds{.noise_multiplier = 1, .rate = 0.01, .rounds = 1000};
//   Epsilon(Accountant::kPld, rounds, 1e-6).value();  // 2.1245
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "privacy/dp/rdp.h"

namespace tributary::dp {

// How a round's cohort comes about. Sampling hides who took part: the two that
// do hold only while the cohort is secret and drawn by the system's generator.
enum class Sampling {
  kNone,       // every client may be in every round
  kPoisson,    // each client independently, with one probability
  kFixedSize,  // without replacement, always as many
};

// Two populations that must not be told apart differ by
enum class Neighbours {
  kAddOrRemoveOne,  // one client, there or not; populations' sizes are private
  kReplaceOne,      // one client, replaced by any other
};

enum class Accountant {
  kRdp,  // Renyi divergences: an upper bound, in milliseconds
  kPld,  // privacy loss distributions: tight, in a second
};
// Raised with each change after which an answer may differ.
inline constexpr int kAccountantVersion = 1;

// "Poisson", "add or remove one", "PLD".
std::string_view Name(Sampling sampling);
std::string_view Name(Neighbours neighbours);
std::string_view Name(Accountant accountant);

// Rounds that each release sum + N(0, (noise_multiplier c)^2) in every
// coordinate, where a client's part of the sum has L2 norm at most c. The sum
// is divided by a number fixed beforehand, never by the size of the cohort that
// came.
struct GaussianRounds {
  double noise_multiplier = 0;
  Sampling sampling = Sampling::kPoisson;
  // Mean share of the population in a cohort, in (0, 1]; not used by kNone.
  double rate = 1;
  Neighbours neighbours = Neighbours::kAddOrRemoveOne;
  std::int64_t rounds = 0;
};

// Least noise accounted for: below it epsilon is in the hundreds.
inline constexpr double kLeastNoiseMultiplier = 0.1;
inline constexpr double kMostNoiseMultiplier = 1e6;

// UNIMPLEMENTED, with what to take instead, where no accountant here covers the
// combination: RDP has none for Poisson cohorts and a replaced client, PLD none
// for cohorts of fixed size, and neither for those and one client more or less.
absl::Status Covers(Accountant accountant, Sampling sampling,
                    Neighbours neighbours);

// Epsilon of all rounds at delta. Errors: UNIMPLEMENTED as above,
// INVALID_ARGUMENT naming the field.
//
// Without sampling PLD is the closed form (analytic_gaussian.h).
absl::StatusOr<double> Epsilon(Accountant accountant,
                               const GaussianRounds& rounds, double delta);
// Of rounds of several kinds about the same clients; 0 of none. UNIMPLEMENTED
// too if they do not agree on the neighbours.
absl::StatusOr<double> Epsilon(Accountant accountant,
                               std::span<const GaussianRounds> all,
                               double delta);

// The divergences of all the rounds, which the caller has found covered.
RdpCurve RdpOf(const GaussianRounds& rounds);

struct PrivacyTarget {
  double epsilon = 0;
  double delta = 0;
};

struct NoiseLimits {
  double least = kLeastNoiseMultiplier;
  double most = kMostNoiseMultiplier;
};

// The least noise within the limits at which `epsilon_at`, which falls as noise
// grows, is at most `epsilon`; at most 0.1 % above it and never below.
// OUT_OF_RANGE if the most is not enough; errors of `epsilon_at`.
absl::StatusOr<double> LeastNoise(
    absl::FunctionRef<absl::StatusOr<double>(double noise)> epsilon_at,
    double epsilon, const NoiseLimits& limits, double start);

// The least noise multiplier that stays within the target, at most 0.1 % above
// it and never below, within the two limits; `rounds.noise_multiplier` does not
// matter. OUT_OF_RANGE if the largest is not enough.
absl::StatusOr<double> CalibrateNoise(Accountant accountant,
                                      GaussianRounds rounds,
                                      const PrivacyTarget& target);

}  // namespace tributary::dp
