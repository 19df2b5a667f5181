// SPDX-License-Identifier: Apache-2.0
#include "simulation/commands/dry_run.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "privacy/crypto/random.h"
#include "proto/codec/yaml.h"
#include "simulation/first_model.h"
#include "simulation/population.h"
#include "simulation/report/quantity.h"
#include "simulation/report/table.h"

namespace tributary::simulation {
namespace {

absl::StatusOr<Cost> CostOf(const PlanSource& source) {
  auto plan = ReadSimulationPlan(source);
  if (!plan.ok()) return plan.status();
  const Key run_key = KeyFromSeed(plan->seed());
  const auto population = LoadPopulation(*plan, run_key);
  if (!population.ok()) return InPlan(source, population.status());
  const auto first = LoadFirstModel(*plan, run_key);
  if (!first.ok()) return InPlan(source, first.status());
  if (auto completed = CompletePlan(*plan, first->model->manifest);
      !completed.ok()) {
    return InPlan(source, completed);
  }
  const auto cost = EstimateCost(
      *plan, *MakeParticipants(*population, source.device), *first->model);
  return cost.ok() ? cost : InPlan(source, cost.status());
}

// Runs with the same text cost the same, as far as can be told before: chance
// deals out other examples, and a robust rule's own time is not estimated.
absl::StatusOr<std::string> WhatCosts(const PlanSource& source) {
  auto plan = ReadSimulationPlan(source);
  if (!plan.ok()) return plan.status();
  plan->clear_seed();
  if (plan->has_robust()) *plan->mutable_robust() = v1::RobustPlan();
  return codec::ToYaml(*plan);
}

std::string Bytes(std::uint64_t bytes) {
  return FormatQuantity(Quantity::kBytes, static_cast<double>(bytes));
}

}  // namespace

absl::Status WriteCost(const PlanSource& source, std::ostream& out) {
  const auto cost = CostOf(source);
  if (!cost.ok()) return cost.status();
  out << FormatCost(*cost);
  return absl::OkStatus();
}

absl::Status WriteSweepCost(const SweepOptions& options, std::ostream& out) {
  const auto runs = PlanSweep(options);
  if (!runs.ok()) return runs.status();
  Table table = {{"run", "weights", "updates", "memory", "time"}};
  double seconds = 0;
  std::uint64_t memory = 0;
  std::map<std::string, Cost> costs;
  for (const PlannedRun& run : *runs) {
    if (run.is_finished) {
      table.push_back({run.name, "-", "-", "-", "finished"});
      continue;
    }
    const auto what = WhatCosts(run.source);
    if (!what.ok()) return what.status();
    auto cost = costs.find(*what);
    if (cost == costs.end()) {
      auto estimated = CostOf(run.source);
      if (!estimated.ok()) return estimated.status();
      cost = costs.emplace(*what, *std::move(estimated)).first;
    }
    seconds += cost->second.Seconds();
    memory = std::max(memory, cost->second.PeakBytes());
    table.push_back(
        {run.name, FormatCount(static_cast<double>(cost->second.parameters)),
         FormatCount(
             static_cast<double>(cost->second.rounds * cost->second.counted)),
         Bytes(cost->second.PeakBytes()),
         FormatQuantity(Quantity::kSeconds, cost->second.Seconds())});
  }
  out << FormatTable(table)
      << absl::StrCat(
             "\nabout ", FormatQuantity(Quantity::kSeconds, seconds),
             " in all, at most ", Bytes(memory),
             "; --dry-run of a single plan says what the estimate leaves "
             "out\n");
  return absl::OkStatus();
}

}  // namespace tributary::simulation
