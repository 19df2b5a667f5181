// SPDX-License-Identifier: Apache-2.0
// The options that several commands of tributary-simulate share, each spelt
// once. What they fill outlives the parsing.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "proto/command_line/read.h"
#include "simulation/commands/plan_source.h"
#include "simulation/results.h"
#include "tributary/torch_trainer.h"

namespace tributary::simulation {

// --set.
void AddSettings(CLI::App& command, std::vector<std::string>& settings);
void AddWorkers(CLI::App& command, std::optional<int>& workers);
// A wrong usage if there is no such device.
void AddDevice(CLI::App& command, TorchDevice& device);
// --data.
void AddDataFolder(CLI::App& command,
                   std::optional<std::filesystem::path>& folder);
// PLAN, and what is said instead of what it says.
void AddPlan(CLI::App& command, PlanSource& plan);
// --out and --force: the folder to fill.
void AddOut(CLI::App& command, std::filesystem::path& out,
            ExistingFiles& existing);
// After --out, which is then not needed: says what it costs instead of doing
// it.
void AddDryRun(CLI::App& command, bool& is_dry);
void AddCheckpointEvery(CLI::App& command, std::chrono::milliseconds& every);

}  // namespace tributary::simulation
