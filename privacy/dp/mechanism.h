// SPDX-License-Identifier: Apache-2.0
// What a round releases, as numbers on which its privacy rests, and what rounds
// of it cost: one value for plans, budgets and the ledger. Values; any thread.
//
// All noise here is integer noise on sums of integer vectors, so norms and
// variances are in grid points.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "privacy/dp/accountant.h"

namespace tributary::dp {

enum class Noise {
  kCentral,      // discrete Gaussian, on the sum
  kDistributed,  // Skellam, in shares of the clients
  kLocal,        // discrete Gaussian, whole on each client's own integers
};
// "central", "distributed", "local".
std::string_view Name(Noise noise);

// A sum of integer vectors with noise.
struct Statistic {
  std::string name;  // "update", "clip_count"
  std::int64_t words = 0;
  // Largest norms of one client's part.
  double l1 = 0;
  double l2 = 0;
  // Of the noise that is certain to be on each word.
  double variance = 0;

  double NoiseMultiplier() const;
  friend auto operator<=>(const Statistic&, const Statistic&) = default;
};

struct Mechanism {
  Noise noise = Noise::kCentral;
  Sampling sampling = Sampling::kNone;
  double rate = 1;  // cohort over population; not used by kNone
  Neighbours neighbours = Neighbours::kAddOrRemoveOne;
  // All of the same cohort, all released.
  std::vector<Statistic> statistics;

  // Names the field that is wrong. INVALID_ARGUMENT too where Gaussian noise is
  // too coarse to be accounted as such: a vector needs a variance of 8192 at
  // least, a single word one above 2.25.
  absl::Status Validate() const;
  friend auto operator<=>(const Mechanism&, const Mechanism&) = default;
};

// A mechanism, released so often.
struct Charge {
  Mechanism mechanism;
  std::int64_t rounds = 1;
};

// UNIMPLEMENTED, with the reason and what to take instead, where the accountant
// has no bound for the mechanism. docs/privacy.md has the table.
absl::Status Covers(Accountant accountant, const Mechanism& mechanism);
// PLD where it covers all of them, else RDP; UNIMPLEMENTED if neither does, or
// if they do not agree on the neighbours.
absl::StatusOr<Accountant> TightestFor(std::span<const Charge> charges);

// Epsilon at delta of all charges together, in whatever order: curves of Renyi
// divergences are added, privacy loss distributions convolved. 0 of none. The
// same bits for the same charges.
//
// The discrete Gaussian of variance v is accounted as a Gaussian of variance
// v - t, of which it is a function: to add a discrete Gaussian of variance t
// around the real value gives it, but for a factor within 1 +- 4 e^(-2 pi^2 t)
// a word (Peikert 2010, theorem 3.1). t is at least 7.75 of a vector, and 2 of
// a single word.
// Errors: those of Covers and Validate.
absl::StatusOr<double> Epsilon(Accountant accountant,
                               std::span<const Charge> charges, double delta);

// The most rounds up to `limit` of a mechanism that fit beside what was charged
// `earlier` within the target.
absl::StatusOr<std::int64_t> MostRounds(Accountant accountant,
                                        std::span<const Charge> earlier,
                                        const Mechanism& mechanism,
                                        std::int64_t limit,
                                        const PrivacyTarget& target);

// LeastNoise for `rounds` of the mechanism that `mechanism_at` makes of a noise
// multiplier.
absl::StatusOr<double> CalibrateNoise(
    Accountant accountant,
    absl::FunctionRef<absl::StatusOr<Mechanism>(double noise_multiplier)>
        mechanism_at,
    std::int64_t rounds, const PrivacyTarget& target,
    const NoiseLimits& limits);

}  // namespace tributary::dp
