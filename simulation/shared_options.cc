// SPDX-License-Identifier: Apache-2.0
#include "simulation/shared_options.h"

#include <cmath>
#include <cstdlib>

#include "simulation/ranks/rank_place.h"

namespace tributary::simulation {
namespace {

// Whether there is such a device is known at once, before data are read.
absl::StatusOr<TorchDevice> DeviceNamed(const std::string& name) {
  const auto process = ReadLocalRank(&std::getenv);
  if (!process.ok()) return process.status();
  return ChooseTorchDevice(name, *process);
}

}  // namespace

void AddSettings(CLI::App& command, std::vector<std::string>& settings) {
  command
      .add_option("--set", settings,
                  "KEY=VALUE in place of the plan's, such as "
                  "round.cohort_size=20; can be repeated")
      ->allow_extra_args(false);
}

void AddWorkers(CLI::App& command, std::optional<int>& workers) {
  command
      .add_option("--workers", workers,
                  "threads that train (default: the plan's)")
      ->check(CLI::Range(1, 1024));
}

void AddDevice(CLI::App& command, TorchDevice& device) {
  command
      .add_option_function<std::string>(
          "--device",
          [&device](const std::string& name) {
            const auto named = DeviceNamed(name);
            if (!named.ok()) {
              throw CLI::ValidationError("--device " + name,
                                         std::string(named.status().message()));
            }
            device = *named;
          },
          "where clients train: cpu, cuda, or auto, which is cuda where there "
          "is some (default: cpu)")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
}

void AddDataFolder(CLI::App& command,
                   std::optional<std::filesystem::path>& folder) {
  command.add_option("--data", folder,
                     "folder of data sets, ${data} in the plan's paths");
}

void AddPlan(CLI::App& command, PlanSource& plan) {
  command.add_option("PLAN", plan.file, "plan.yaml with a simulation section")
      ->required();
  AddSettings(command, plan.settings);
  AddDataFolder(command, plan.data);
}

void AddDryRun(CLI::App& command, bool& is_dry) {
  command.add_flag("--dry-run", is_dry,
                   "say what it costs, after training a few clients");
  command.get_option("--out")->required(false);
}

void AddCheckpointEvery(CLI::App& command, std::chrono::milliseconds& every) {
  constexpr double kLongest = 31'536'000;  // a year
  command.add_option_function<double>(
      "--checkpoint-every",
      [&every](double seconds) {
        // No number is in no range.
        if (!(seconds == 0 || (seconds >= 0.001 && seconds <= kLongest))) {
          throw CLI::ValidationError("--checkpoint-every",
                                     "0, or between 0.001 and 31536000");
        }
        every = std::chrono::milliseconds(std::llround(1000 * seconds));
      },
      "seconds between checkpoints; 0: only on Ctrl-C (default: 60)");
}

void AddOut(CLI::App& command, std::filesystem::path& out,
            ExistingFiles& existing) {
  command.add_option("--out", out, "folder to fill; must be empty or new")
      ->required();
  command.add_flag_callback(
      "--force", [&existing] { existing = ExistingFiles::kOverwrite; },
      "overwrite what the folder holds");
}

}  // namespace tributary::simulation
