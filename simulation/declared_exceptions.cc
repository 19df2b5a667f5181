// SPDX-License-Identifier: Apache-2.0
#include "simulation/declared_exceptions.h"

namespace tributary::simulation {

std::vector<std::string> DeclaredExceptions(const v1::Plan& plan) {
  std::vector<std::string> exceptions;
  if (plan.training().has_time_limit()) {
    exceptions.emplace_back(
        "training.time_limit: kept by trainers against the wall clock, so the "
        "same seed may give another model");
  }
  if (plan.has_secure_aggregation() && plan.simulation().skip_masks()) {
    exceptions.emplace_back(
        "simulation.skip_masks: no secure session was held, updates were added "
        "up as they are; sums and models are the same");
  }
  if (plan.has_privacy()) {
    exceptions.emplace_back(
        "privacy: cohorts and noise came from the seed, so that the same seed "
        "gives the same run; they protect nobody whose data this were");
  }
  return exceptions;
}

}  // namespace tributary::simulation
