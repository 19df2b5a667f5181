// SPDX-License-Identifier: Apache-2.0
#include "simulation/declared_exceptions.h"

#include "absl/strings/str_cat.h"
#include "proto/codec/attack.h"
#include "proto/codec/limits.h"

namespace tributary::simulation {

std::vector<std::string> DeclaredExceptions(const v1::Plan& plan) {
  const v1::SimulationPlan& simulation = plan.simulation();
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
  if (simulation.has_attack()) {
    exceptions.push_back(absl::StrCat(
        "simulation.attack: ",
        codec::AdversariesAmong(simulation, simulation.clients()), " of the ",
        simulation.clients(), " clients are adversaries (",
        codec::NameOfChosen(simulation.attack(), "kind"),
        "), who knew the honest updates of each round; those who do not train "
        "declared a loss of 0, which is in train_loss"));
  }
  return exceptions;
}

}  // namespace tributary::simulation
