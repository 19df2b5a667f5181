// SPDX-License-Identifier: Apache-2.0
#include "simulation/same_plan.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "simulation/report/run_record.h"

namespace tributary::simulation {
namespace {

// A plan that leaves it open gets what its budget and its model make it: the
// same from the same plan.
constexpr std::string_view kCalibrated = "privacy.noise_multiplier";

absl::StatusOr<std::map<std::string, std::string>> DecidingValues(
    std::string_view yaml, Clients clients) {
  const auto plan = FlattenPlan(yaml);
  if (!plan.ok()) return plan.status();
  std::map<std::string, std::string> values;
  for (const PlanValue& value : *plan) values[value.key] = value.value;
  values.erase("simulation.workers");
  if (clients == Clients::kInData) values.erase("simulation.clients");
  return values;
}

}  // namespace

absl::StatusOr<std::string> DifferenceOf(std::string_view was,
                                         std::string_view is, Clients clients) {
  const auto before = DecidingValues(was, clients);
  if (!before.ok()) return before.status();
  const auto now = DecidingValues(is, clients);
  if (!now.ok()) return now.status();
  for (const auto& [key, value] : *before) {
    const auto found = now->find(key);
    if (found == now->end()) {
      if (key == kCalibrated) continue;
      return absl::StrCat(key, " was ", value, ", is not there");
    }
    if (found->second != value) {
      return absl::StrCat(key, " was ", value, ", is ", found->second);
    }
  }
  for (const auto& [key, value] : *now) {
    if (!before->contains(key)) {
      return absl::StrCat(key, " was not there, is ", value);
    }
  }
  return std::string();
}

}  // namespace tributary::simulation
