// SPDX-License-Identifier: Apache-2.0
#include "simulation/commands/plan_source.h"

#include "absl/strings/str_cat.h"
#include "privacy/crypto/random.h"
#include "proto/codec/yaml.h"

namespace tributary::simulation {

absl::StatusOr<v1::Plan> ReadSimulationPlan(const PlanSource& source) {
  auto plan = codec::ReadPlan(source.file, source.settings);
  if (!plan.ok()) return plan.status();
  if (!plan->has_simulation()) {
    return absl::InvalidArgumentError(absl::StrCat(
        source.file.string(), ": simulation: required by tributary-simulate"));
  }
  if (!plan->has_seed()) plan->set_seed(SystemRandom().Word());
  if (source.workers) plan->mutable_simulation()->set_workers(*source.workers);
  return plan;
}

absl::Status InPlan(const PlanSource& source, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(source.file.string(), ": ",
                                                  status.message()));
}

}  // namespace tributary::simulation
