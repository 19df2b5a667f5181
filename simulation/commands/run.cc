// SPDX-License-Identifier: Apache-2.0
#include "simulation/commands/run.h"

#include <cstdint>
#include <utility>

#include "privacy/crypto/random.h"
#include "simulation/commands/report.h"
#include "simulation/declared_exceptions.h"
#include "simulation/observers.h"
#include "simulation/population.h"
#include "simulation/report/run_record.h"
#include "simulation/simulation.h"
#include "simulation/skew_files.h"
#include "simulation/write_file.h"

namespace tributary::simulation {
namespace {

std::string NameOf(round::RunEnd end) {
  switch (end) {
    case round::RunEnd::kFinished:
      return "finished";
    case round::RunEnd::kStopped:
      return "stopped";
    case round::RunEnd::kFailed:
      return "failed";
  }
  return "failed";
}

absl::Status WriteRunStatus(const std::filesystem::path& folder,
                            const RunStatus& status) {
  return WriteFile(folder / "run.json", {ToJson(status)});
}

}  // namespace

absl::StatusOr<round::EndRun> Simulate(const SimulateOptions& options,
                                       const std::atomic<bool>& interrupted,
                                       std::ostream& report) {
  auto plan = ReadSimulationPlan(options.plan);
  if (!plan.ok()) return plan.status();
  SimulationInputs inputs;
  inputs.run_key = KeyFromSeed(plan->seed());
  inputs.workers =
      plan->simulation().has_workers() ? plan->simulation().workers() : 1;
  const auto population = LoadPopulation(*plan, inputs.run_key);
  if (!population.ok()) return InPlan(options.plan, population.status());
  // The data may have said how many there are.
  plan->mutable_simulation()->set_clients(
      static_cast<std::uint32_t>((*population)->partition.clients()));
  inputs.plan = *plan;
  auto first = LoadFirstModel(*plan, inputs.run_key);
  if (!first.ok()) return InPlan(options.plan, first.status());
  inputs.first = *std::move(first);
  inputs.participants = MakeParticipants(*population);

  Observers observers;
  auto simulation = Simulation::Create(std::move(inputs), observers);
  if (!simulation.ok()) return InPlan(options.plan, simulation.status());
  // Nothing is written before the plan is known to make sense.
  if (auto ready = PrepareFolder(options.out, options.existing); !ready.ok()) {
    return ready;
  }
  auto results = Results::Open(options.out, *plan);
  if (!results.ok()) return results.status();
  if (auto written = WriteSkew(SkewOf(**population), options.out);
      !written.ok()) {
    return written;
  }
  RunStatus status{.reason = "",
                   .parameters = (*simulation)->model().manifest.Length(),
                   .exceptions = DeclaredExceptions(*plan)};
  if (auto written = WriteRunStatus(options.out, status); !written.ok()) {
    return written;
  }
  Progress progress(report, options.progress.value_or(Progress::Style::kLines),
                    static_cast<int>(plan->stop().rounds()));
  observers.Add(**results);
  if (options.progress) observers.Add(progress);

  const auto end = (*simulation)->Run(interrupted);
  if (options.progress) progress.Finish();
  const absl::Status closed = (*results)->Close((*simulation)->header(),
                                                (*simulation)->model());
  status.end = end.ok() ? NameOf(end->end) : "failed";
  status.reason = end.ok() ? end->reason : std::string(end.status().message());
  const absl::Status written = WriteRunStatus(options.out, status);
  const absl::Status reported = WriteReport(options.out);
  if (!end.ok()) return InPlan(options.plan, end.status());
  for (const auto& each : {closed, written, reported}) {
    if (!each.ok()) return each;
  }
  return end;
}

}  // namespace tributary::simulation
