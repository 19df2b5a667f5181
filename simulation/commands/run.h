// SPDX-License-Identifier: Apache-2.0
// tributary-simulate PLAN --out FOLDER: runs the plan.
#pragma once

#include <atomic>
#include <filesystem>
#include <optional>
#include <ostream>

#include "absl/status/statusor.h"
#include "coordinator/round/effect.h"
#include "simulation/commands/plan_source.h"
#include "simulation/progress.h"
#include "simulation/results.h"

namespace tributary::simulation {

struct SimulateOptions {
  PlanSource plan;
  std::filesystem::path out;
  ExistingFiles existing = ExistingFiles::kRefuse;
  // How progress is shown on `report`; nothing: not at all.
  std::optional<Progress::Style> progress = Progress::Style::kLines;
};

// Runs the plan and fills the results folder, also when it is stopped early by
// `interrupted`. Returns how the run ended. Errors name the file, the key or
// the option.
absl::StatusOr<round::EndRun> Simulate(const SimulateOptions& options,
                                       const std::atomic<bool>& interrupted,
                                       std::ostream& report);

}  // namespace tributary::simulation
