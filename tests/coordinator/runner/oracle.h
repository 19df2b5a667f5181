// SPDX-License-Identifier: Apache-2.0
// A model, a plan and updates made in the test, and what the released models
// must be: computed with aggregation directly, in one thread, in memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aggregation/manifest.h"
#include "tributary/v1/federation.pb.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::testing {

struct PlanChoice {
  std::string population = "pumps";
  int clients = 4;
  int min_updates = 4;
  int rounds = 3;
  v1::UpdatePlan::Encoding encoding = v1::UpdatePlan::FLOAT32;
  enum class Optimizer { kFedAvg, kFedAvgM, kFedAdam };
  Optimizer optimizer = Optimizer::kFedAdam;
  int deadline_milliseconds = 60'000;
  // YAML of a strategy, e.g. "scaffold: {clients: 4}"; empty for none.
  std::string strategy = {};
  // YAML of further sections.
  std::string sections = {};
};
v1::Plan MakePlan(const PlanChoice& choice);

// More than one block of parameters, then buffers.
Manifest TestManifest();
// A safetensors file.
std::string FirstModel();

// What this client's trainer returns for this task: from its seed alone.
struct TestUpdate {
  std::vector<float> values;
  std::string bytes;  // encoded
  v1::UpdateHeader header;
  // As it counts. That of a packed update is not in its header.
  std::uint32_t weight = 1;
};
TestUpdate MakeUpdate(const v1::Task& task);
// With these values instead.
TestUpdate MakeUpdate(const v1::Task& task, std::vector<float> values);

// The model files of rounds 1, 2, ... when these updates count in each: for as
// much as their headers say, in asynchronous rounds for their `weight`.
std::vector<std::string> OracleModels(
    const v1::Plan& plan, const std::vector<std::vector<TestUpdate>>& rounds);

}  // namespace tributary::testing
