// SPDX-License-Identifier: Apache-2.0
// What tributary-simulate does. Errors name the file, the key or the option.
#pragma once

#include <atomic>
#include <filesystem>
#include <optional>
#include <ostream>

#include "absl/status/statusor.h"
#include "coordinator/round/effect.h"
#include "simulation/progress.h"
#include "simulation/results.h"

namespace tributary::simulation {

struct SimulateOptions {
  std::filesystem::path plan;
  std::filesystem::path out;
  ExistingFiles existing = ExistingFiles::kRefuse;
  // Instead of the plan's simulation.workers.
  std::optional<int> workers;
  // How progress is shown on `report`; nothing: not at all.
  std::optional<Progress::Style> progress = Progress::Style::kLines;
};

// Runs the plan and fills the results folder, also when it is stopped early by
// `interrupted`. Returns how the run ended.
absl::StatusOr<round::EndRun> Simulate(const SimulateOptions& options,
                                       const std::atomic<bool>& interrupted,
                                       std::ostream& report);

// Writes the plan's partition as files for real clients.
absl::Status WritePartition(const SimulateOptions& options,
                            std::ostream& report);

}  // namespace tributary::simulation
