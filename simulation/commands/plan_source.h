// SPDX-License-Identifier: Apache-2.0
// The plan that a command works on: a file, and what the command line says
// instead. Every command that reads a plan reads it here.
//
// Values; one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregation/manifest.h"
#include "tributary/torch_trainer.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

struct PlanSource {
  std::filesystem::path file;
  // "round.cohort_size=20": values in place of the file's (proto/codec/yaml.h).
  std::vector<std::string> settings = {};
  // What "${data}" at the beginning of a path stands for.
  std::optional<std::filesystem::path> data = {};
  // Instead of the plan's simulation.workers.
  std::optional<int> workers = {};
  // Where clients train: no key of a plan, for it is this machine's.
  TorchDevice device = {};
  // Of a plan without one; nothing: one of the system's generator.
  std::optional<std::uint64_t> seed = {};
};

// The plan as it is simulated, every default written out. One without a seed
// gets one, which the effective plan shows, so that every simulation can be
// repeated. InvalidArgument names the file and the key.
absl::StatusOr<v1::Plan> ReadSimulationPlan(const PlanSource& source);

// What of the plan only the model can say: how much noise its privacy takes.
// InvalidArgument, naming the key, if they do not fit or nothing accounts for
// them.
absl::Status CompletePlan(v1::Plan& plan, const Manifest& manifest);

// An error about the plan, with the plan's file in front.
absl::Status InPlan(const PlanSource& source, const absl::Status& status);

}  // namespace tributary::simulation
