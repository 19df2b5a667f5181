// SPDX-License-Identifier: Apache-2.0
#include "simulation/commands/sweep.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/codec/yaml.h"
#include "simulation/checkpoint_file.h"
#include "simulation/commands/compare.h"
#include "simulation/commands/plan_source.h"
#include "simulation/commands/run.h"
#include "simulation/report/run_record.h"
#include "simulation/same_plan.h"
#include "simulation/sweep.h"

namespace tributary::simulation {
namespace {

// How far this run came in the folder, in `run`. FailedPrecondition if another
// one is finished there.
absl::Status FindRun(const v1::Plan& plan, PlannedRun& run) {
  std::error_code ignored;
  if (!std::filesystem::exists(run.folder / "run.json", ignored)) {
    return absl::OkStatus();
  }
  const auto record = ReadRun(run.folder);
  if (!record.ok()) return record.status();
  const auto difference = DifferenceOf(
      record->plan_text, codec::ToYaml(plan),
      plan.simulation().clients() > 0 ? Clients::kInPlan : Clients::kInData);
  if (!difference.ok()) return difference.status();
  const bool is_same = difference->empty();
  run.is_finished = record->status.end == "finished";
  run.is_interrupted = !run.is_finished && HasCheckpoint(run.folder);
  if (is_same || (!run.is_finished && !run.is_interrupted)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat(run.folder.string(), " holds ",
                   run.is_finished ? "a finished" : "an interrupted",
                   " run of another plan (", *difference,
                   "); give another --out, or remove it"));
}

absl::Status CheckSeed(const PlanSource& source) {
  const auto given = codec::ReadPlan(source.file, source.settings);
  if (!given.ok()) return given.status();
  if (given->has_seed()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      source.file.string(),
      ": seed: required by a sweep, or its runs would differ by chance as "
      "well; --set seed=1 gives one"));
}

// The file with what the options add.
absl::StatusOr<v1::Sweep> ReadSweepOf(const SweepOptions& options) {
  auto sweep = ReadSweep(options.file);
  if (!sweep.ok()) return sweep.status();
  for (const std::string& setting : options.settings) sweep->add_set(setting);
  for (const std::string& text : options.grid) {
    auto axis = ParseAxis(text);
    if (!axis.ok()) return axis.status();
    *sweep->add_grid() = *std::move(axis);
  }
  return sweep;
}

}  // namespace

absl::StatusOr<std::vector<PlannedRun>> PlanSweep(const SweepOptions& options) {
  const auto sweep = ReadSweepOf(options);
  if (!sweep.ok()) return sweep.status();
  const auto runs = RunsOf(*sweep);
  if (!runs.ok()) return runs.status();
  std::vector<PlannedRun> planned;
  for (const SweepRun& run : *runs) {
    PlannedRun next{.name = run.name,
                    .source = {.file = sweep->plan(),
                               .settings = run.settings,
                               .data = options.data,
                               .workers = options.workers,
                               .device = options.device},
                    .folder = options.out / run.name};
    if (auto seeded = CheckSeed(next.source); !seeded.ok()) return seeded;
    const auto plan = ReadSimulationPlan(next.source);
    if (!plan.ok()) return plan.status();
    if (auto found = FindRun(*plan, next); !found.ok()) return found;
    planned.push_back(std::move(next));
  }
  return planned;
}

absl::StatusOr<SweepEnd> RunSweep(const SweepOptions& options,
                                  const std::atomic<bool>& interrupted,
                                  std::ostream& out, std::ostream& report) {
  const auto runs = PlanSweep(options);
  if (!runs.ok()) return runs.status();
  SweepEnd end;
  CompareOptions compare;
  compare.out = options.out / "compare.html";
  int number = 0;
  for (const PlannedRun& run : *runs) {
    const std::string title =
        absl::StrCat("run ", ++number, " of ", runs->size(), ": ", run.name);
    if (run.is_finished) {
      if (options.progress) report << title << ", finished before\n";
    } else {
      if (options.progress) report << title << "\n";
      const auto ended =
          Simulate({.plan = run.source,
                    .out = run.folder,
                    .existing = run.is_interrupted ? ExistingFiles::kResume
                                                   : ExistingFiles::kOverwrite,
                    .progress = options.progress,
                    .checkpoint_every = options.checkpoint_every},
                   interrupted, report);
      if (ended.ok() && ended->end == round::RunEnd::kStopped) {
        end.interrupted = true;
        return end;
      }
      if (!ended.ok() || ended->end == round::RunEnd::kFailed) {
        ++end.failed;
        report << title << ", failed: "
               << (ended.ok() ? ended->reason
                              : std::string(ended.status().message()))
               << "\n";
        continue;
      }
    }
    ++end.finished;
    compare.runs.push_back(run.folder);
  }
  if (compare.runs.empty()) return end;
  if (auto compared = CompareFolders(compare, out); !compared.ok()) {
    return compared;
  }
  return end;
}

}  // namespace tributary::simulation
