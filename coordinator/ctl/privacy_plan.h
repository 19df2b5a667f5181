// SPDX-License-Identifier: Apache-2.0
// What noise a privacy target needs and what it costs, before there is a plan:
// of Gaussian noise on the sum. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/ctl/spending.h"
#include "privacy/dp/accountant.h"

namespace tributary::ctl {

// As asked on the command line; errors call the fields by their options.
struct PrivacyQuestion {
  // One of the two: the noise for an epsilon, or the epsilon of a noise.
  std::optional<double> epsilon;
  std::optional<double> noise_multiplier;
  double delta = 0;
  std::int64_t rounds = 0;
  std::int64_t cohort = 0;  // on average, under Poisson sampling
  std::int64_t population = 0;
  dp::Sampling sampling = dp::Sampling::kPoisson;
  // Default: what the sampling has an accountant for.
  std::optional<dp::Neighbours> neighbours;
  // Default: PLD where it covers the rest, else RDP.
  std::optional<dp::Accountant> accountant;
  // Of the model; 0: not said.
  std::int64_t parameters = 0;
};

struct PrivacyPlan {
  Spending answer;
  // The same noise by the other accountant, if it covers the rest.
  std::optional<Spending> other_accountant;
  std::vector<Spending> earlier_rounds;  // after 1/10 and 1/2 of them
  // What the same epsilon needs with 2, 5 and 10 times the cohort; only where
  // an epsilon was asked for.
  std::vector<Spending> larger_cohorts;
  // Poisson: 5 standard deviations above the mean. A round must have room for
  // as many.
  std::optional<std::int64_t> largest_cohort;
  // L2 norm of the noise on the mean, in clip norms; an update's is at most 1.
  std::optional<double> noise_norm;
};

// INVALID_ARGUMENT naming the option, or what no accountant here covers.
absl::StatusOr<PrivacyPlan> PlanPrivacy(const PrivacyQuestion& question);

}  // namespace tributary::ctl
