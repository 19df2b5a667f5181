// SPDX-License-Identifier: Apache-2.0
// tributary-simulate sweep FILE --out FOLDER: every combination of a grid, each
// in a folder of its own, then a comparison of all. Started again, it goes on
// where it was.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "simulation/commands/plan_source.h"
#include "simulation/progress.h"

namespace tributary::simulation {

struct SweepOptions {
  // A sweep, or a plan.
  std::filesystem::path file;
  // Besides those of the file: "KEY=VALUE" and "KEY=V1,V2".
  std::vector<std::string> settings;
  std::vector<std::string> grid;
  // As in PlanSource.
  std::optional<std::filesystem::path> data;
  std::optional<int> workers;
  TorchDevice device;
  std::filesystem::path out;
  // How each run's progress is shown; nothing: not at all.
  std::optional<Progress::Style> progress = Progress::Style::kLines;
  // Wall time between a run's checkpoints; zero: only when interrupted.
  std::chrono::milliseconds checkpoint_every{60'000};
};

// One run of a sweep, before it is started.
struct PlannedRun {
  std::string name;
  PlanSource source;
  std::filesystem::path folder;
  bool is_finished = false;
  bool is_interrupted = false;  // and can go on
};

// Every run, in order. Each plan is read, so that a mistake in the last value
// is found before the first run. Refused, naming the key, if the plan has no
// seed, for then runs would differ by more than the grid; and if a folder holds
// a finished run of another plan.
absl::StatusOr<std::vector<PlannedRun>> PlanSweep(const SweepOptions& options);

struct SweepEnd {
  int finished = 0;  // now or before
  int failed = 0;
  bool interrupted = false;
};

// Runs what is not finished yet, and the rest of what was interrupted. A run
// that fails is told and does not stop the others. At the end the finished runs
// are compared on `out` and in compare.html. Errors are those of PlanSweep.
absl::StatusOr<SweepEnd> RunSweep(const SweepOptions& options,
                                  const std::atomic<bool>& interrupted,
                                  std::ostream& out, std::ostream& report);

}  // namespace tributary::simulation
