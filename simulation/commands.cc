// SPDX-License-Identifier: Apache-2.0
#include "simulation/commands.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "privacy/crypto/random.h"
#include "proto/codec/yaml.h"
#include "simulation/export.h"
#include "simulation/population.h"
#include "simulation/simulation.h"
#include "simulation/skew.h"

namespace tributary::simulation {
namespace {

// Tells several observers, in their order.
class Observers final : public Observer {
 public:
  void Add(Observer& observer) { observers_.push_back(&observer); }
  void OnRound(const RoundSummary& round) override {
    for (Observer* observer : observers_) observer->OnRound(round);
  }
  void OnEvaluation(int round, const round::Metrics& metrics) override {
    for (Observer* each : observers_) each->OnEvaluation(round, metrics);
  }
  void OnAbandoned(const round::AbandonRound& attempt) override {
    for (Observer* observer : observers_) observer->OnAbandoned(attempt);
  }
  void OnUpdate() override {
    for (Observer* observer : observers_) observer->OnUpdate();
  }

 private:
  std::vector<Observer*> observers_;
};

// The plan as it is simulated. One without a seed gets one that is written to
// the effective plan, so that every simulation can be repeated.
absl::StatusOr<v1::Plan> ReadSimulationPlan(const SimulateOptions& options) {
  auto plan = codec::ReadPlan(options.plan);
  if (!plan.ok()) return plan.status();
  if (!plan->has_simulation()) {
    return absl::InvalidArgumentError(absl::StrCat(
        options.plan.string(), ": simulation: required by tributary-simulate"));
  }
  if (!plan->has_seed()) plan->set_seed(SystemRandom().Word());
  if (options.workers)
    plan->mutable_simulation()->set_workers(*options.workers);
  return plan;
}

// An error about the plan, with the plan's file in front.
absl::Status InPlan(const SimulateOptions& options,
                    const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(options.plan.string(), ": ",
                                                  status.message()));
}

}  // namespace

absl::StatusOr<round::EndRun> Simulate(const SimulateOptions& options,
                                       const std::atomic<bool>& interrupted,
                                       std::ostream& report) {
  auto plan = ReadSimulationPlan(options);
  if (!plan.ok()) return plan.status();
  SimulationInputs inputs;
  inputs.plan = *plan;
  inputs.run_key = KeyFromSeed(plan->seed());
  inputs.workers =
      plan->simulation().has_workers() ? plan->simulation().workers() : 1;
  const auto population = LoadPopulation(*plan, inputs.run_key);
  if (!population.ok()) return InPlan(options, population.status());
  auto first = LoadFirstModel(*plan, inputs.run_key);
  if (!first.ok()) return InPlan(options, first.status());
  inputs.first = *std::move(first);
  inputs.participants = MakeParticipants(*plan, *population);

  Observers observers;
  auto simulation = Simulation::Create(std::move(inputs), observers);
  if (!simulation.ok()) return InPlan(options, simulation.status());
  // Nothing is written before the plan is known to make sense.
  if (auto ready = PrepareFolder(options.out, options.existing); !ready.ok()) {
    return ready;
  }
  auto results =
      Results::Open(options.out, *plan,
                    FormatSkew(MeasureSkew(population->partition,
                                           population->train->targets)));
  if (!results.ok()) return results.status();
  Progress progress(report, options.progress.value_or(Progress::Style::kLines),
                    static_cast<int>(plan->stop().rounds()));
  observers.Add(**results);
  if (options.progress) observers.Add(progress);

  const auto end = (*simulation)->Run(interrupted);
  if (options.progress) progress.Finish();
  const absl::Status closed = (*results)->Close((*simulation)->header(),
                                                (*simulation)->model().weights);
  if (!end.ok()) return InPlan(options, end.status());
  if (!closed.ok()) return closed;
  return end;
}

absl::Status WritePartition(const SimulateOptions& options,
                            std::ostream& report) {
  const auto plan = ReadSimulationPlan(options);
  if (!plan.ok()) return plan.status();
  const auto population = LoadPopulation(*plan, KeyFromSeed(plan->seed()));
  if (!population.ok()) return InPlan(options, population.status());
  if (auto ready = PrepareFolder(options.out, options.existing); !ready.ok()) {
    return ready;
  }
  if (auto written = ExportPartition(plan->simulation(), population->partition,
                                     options.out);
      !written.ok()) {
    return written;
  }
  if (options.progress) {
    report << FormatSkew(
        MeasureSkew(population->partition, population->train->targets));
  }
  return absl::OkStatus();
}

}  // namespace tributary::simulation
