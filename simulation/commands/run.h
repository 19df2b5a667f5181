// SPDX-License-Identifier: Apache-2.0
// tributary-simulate PLAN --out FOLDER: runs the plan. With --resume FOLDER,
// the rest of one that was interrupted.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>

#include "absl/status/statusor.h"
#include "coordinator/round/effect.h"
#include "simulation/commands/plan_source.h"
#include "simulation/progress.h"
#include "simulation/ranks/ranks.h"
#include "simulation/results.h"

namespace tributary::simulation {

struct SimulateOptions {
  PlanSource plan;
  std::filesystem::path out;
  // kResume: the folder's checkpoint is to be one of this plan's.
  ExistingFiles existing = ExistingFiles::kRefuse;
  // How progress is shown on `report`; nothing: not at all.
  std::optional<Progress::Style> progress = Progress::Style::kLines;
  // Wall time between checkpoints; zero: only when interrupted.
  std::chrono::milliseconds checkpoint_every{60'000};
  // Those that make the run together; the options of all are alike. The first
  // fills the folder, the others put no more into it than their clients'
  // states.
  std::shared_ptr<Ranks> ranks = std::make_shared<OneRank>();
};

// What goes on with the run in a results folder.
SimulateOptions Resuming(const std::filesystem::path& folder);

// Runs the plan and fills the results folder. Once `interrupted` is true the
// round in hand is finished, the run saved and stopped. Returns how it ended.
// Errors name the file, the key or the option.
absl::StatusOr<round::EndRun> Simulate(const SimulateOptions& options,
                                       const std::atomic<bool>& interrupted,
                                       std::ostream& report);

}  // namespace tributary::simulation
