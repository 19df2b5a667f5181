// SPDX-License-Identifier: Apache-2.0
#include "simulation/commands/run.h"

#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "privacy/crypto/random.h"
#include "simulation/checkpoint_file.h"
#include "simulation/checkpoint_keeper.h"
#include "simulation/commands/report.h"
#include "simulation/declared_exceptions.h"
#include "simulation/observers.h"
#include "simulation/population.h"
#include "simulation/recorded_past.h"
#include "simulation/report/run_record.h"
#include "simulation/run_identity.h"
#include "simulation/simulation.h"
#include "simulation/skew_files.h"
#include "simulation/trial.h"
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

// Goes to where the folder's checkpoint was taken; what was told on the way.
absl::StatusOr<RecordedPast> Replay(const std::filesystem::path& folder,
                                    const RunIdentity& identity,
                                    Observers& observers,
                                    Simulation& simulation) {
  auto checkpoint = LoadCheckpoint(folder, identity);
  if (!checkpoint.ok()) return checkpoint.status();
  RecordedPast past;
  observers.Add(past);
  const absl::Status resumed = simulation.Resume(*std::move(checkpoint));
  observers.Remove(past);
  if (!resumed.ok()) {
    return absl::Status(resumed.code(),
                        absl::StrCat((folder / "checkpoint").string(), ": ",
                                     resumed.message()));
  }
  return past;
}

// A plan without a seed gets that of the first rank.
absl::StatusOr<v1::Plan> ReadSharedPlan(const SimulateOptions& options) {
  PlanSource source = options.plan;
  if (options.ranks->size() > 1) {
    const auto seeds =
        options.ranks->Gather(absl::StrCat(SystemRandom().Word()));
    if (!seeds.ok()) return seeds.status();
    std::uint64_t seed = 0;
    if (!absl::SimpleAtoi(seeds->front(), &seed)) {
      return absl::DataLossError("rank 0 said no seed");
    }
    source.seed = seed;
  }
  return ReadSimulationPlan(source);
}

// The others only train, and know what the first one knows.
absl::StatusOr<round::EndRun> Follow(const SimulateOptions& options,
                                     const RunIdentity& identity,
                                     const std::atomic<bool>& interrupted,
                                     Observers& observers,
                                     Simulation& simulation) {
  if (options.existing == ExistingFiles::kResume) {
    const auto past = Replay(options.out, identity, observers, simulation);
    if (!past.ok()) return past.status();
  }
  std::ostream nowhere(nullptr);
  CheckpointKeeper keeper(options.out, identity, options.checkpoint_every,
                          interrupted, *options.ranks, nowhere);
  auto end = simulation.Run(keeper);
  if (!end.ok()) return InPlan(options.plan, end.status());
  // The first one has yet to write what there is.
  const auto done = options.ranks->Gather("");
  if (!done.ok()) return done.status();
  return end;
}

}  // namespace

SimulateOptions Resuming(const std::filesystem::path& folder) {
  return {.plan = {.file = folder / "plan.yaml"},
          .out = folder,
          .existing = ExistingFiles::kResume};
}

absl::StatusOr<round::EndRun> Simulate(const SimulateOptions& options,
                                       const std::atomic<bool>& interrupted,
                                       std::ostream& report) {
  const bool resumes = options.existing == ExistingFiles::kResume;
  // Before data are read for nothing.
  if (resumes && !HasCheckpoint(options.out)) return NoCheckpoint(options.out);
  auto plan = ReadSharedPlan(options);
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
  auto first = LoadFirstModel(*plan, inputs.run_key);
  if (!first.ok()) return InPlan(options.plan, first.status());
  inputs.first = *std::move(first);
  if (auto completed = CompletePlan(*plan, inputs.first.model->manifest);
      !completed.ok()) {
    return InPlan(options.plan, completed);
  }
  inputs.plan = *plan;
  inputs.participants = MakeParticipants(*population, options.plan.device);
  inputs.ranks = options.ranks;
  const RunIdentity identity = IdentityOf(
      *plan, **population, inputs.first.model->id, options.plan.device.kind);
  if (auto same = CheckAllSame(identity, *options.ranks); !same.ok()) {
    return same;
  }

  if (!resumes) {
    auto fits = TryOneStep(*plan, *inputs.participants, *inputs.first.model);
    if (!fits.ok()) return InPlan(options.plan, fits);
  }

  Observers observers;
  auto simulation = Simulation::Create(std::move(inputs), observers);
  if (!simulation.ok()) return InPlan(options.plan, simulation.status());
  if (options.ranks->rank() != 0) {
    return Follow(options, identity, interrupted, observers, **simulation);
  }
  // Nothing is written before the plan is known to make sense.
  if (auto ready = PrepareFolder(options.out, options.existing); !ready.ok()) {
    return ready;
  }
  RecordedPast past;
  if (resumes) {
    auto replayed = Replay(options.out, identity, observers, **simulation);
    if (!replayed.ok()) return replayed.status();
    past = *std::move(replayed);
  }
  const int before = (*simulation)->state().round - 1;
  auto results = resumes ? Results::Reopen(options.out, *plan, before)
                         : Results::Open(options.out, *plan);
  if (!results.ok()) return results.status();
  if (auto told = past.Tell(**results); !told.ok()) return told;
  if (auto written = WriteSkew(SkewOf(**population), options.out);
      !written.ok()) {
    return written;
  }
  RunStatus status{.reason = "",
                   .parameters = (*simulation)->model().manifest.Length(),
                   .exceptions = DeclaredExceptions(*plan),
                   .device = NameOf(options.plan.device.kind),
                   .masks = !plan->has_secure_aggregation() ? "none"
                            : IsMasked(*plan)               ? "on"
                                                            : "skipped"};
  if (auto written = WriteRunStatus(options.out, status); !written.ok()) {
    return written;
  }
  Progress progress(report, options.progress.value_or(Progress::Style::kLines),
                    static_cast<int>(plan->stop().rounds()), before);
  observers.Add(**results);
  if (options.progress) {
    observers.Add(progress);
    if (resumes) report << "goes on after round " << before << "\n";
  }

  CheckpointKeeper keeper(options.out, identity, options.checkpoint_every,
                          interrupted, *options.ranks, report);
  const auto end = (*simulation)->Run(keeper);
  if (options.progress) progress.Finish();
  const absl::Status closed =
      (*results)->Close((*simulation)->header(), (*simulation)->model());
  status.end = end.ok() ? NameOf(end->end) : "failed";
  status.reason = end.ok() ? end->reason : std::string(end.status().message());
  const auto spent = (*results)->Spent();
  if (spent.ok()) status.privacy = *spent;
  const absl::Status written = WriteRunStatus(options.out, status);
  const absl::Status reported = WriteReport(options.out);
  if (!end.ok()) return InPlan(options.plan, end.status());
  for (const auto& each : {closed, spent.status(), written, reported}) {
    if (!each.ok()) return each;
  }
  // What is left is whole: there is nothing more to do.
  if (end->end != round::RunEnd::kStopped) {
    if (auto removed = RemoveCheckpoint(options.out); !removed.ok()) {
      return removed;
    }
  }
  const auto done = options.ranks->Gather("");
  if (!done.ok()) return done.status();
  return end;
}

}  // namespace tributary::simulation
