// SPDX-License-Identifier: Apache-2.0
// The workloads of pytorch_floor.py as plans, models and data of ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "simulation/first_model.h"
#include "tributary/dataset.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::bench {

struct Workload {
  v1::Architecture architecture;
  std::vector<std::int64_t> example_shape;
  std::uint32_t examples = 0;  // of a client
  double rate = 0;
  std::size_t clients = 0;  // of a round
};

// Ends the program with this message.
[[noreturn]] void Give(const std::string& up);
void CheckOk(const absl::Status& status);

// torchscript_2nn writes its archive into a temporary file, which the caller
// removes once a network has been made of it.
Workload WorkloadOf(const std::string& name);
// One epoch in batches of 10, FedAvg; with its defaults.
v1::Plan PlanOf(const Workload& workload);
simulation::FirstModel FirstModelOf(const v1::Plan& plan);
// The examples of all clients, one client behind the other; random.
std::shared_ptr<const Dataset> DataOf(const Workload& workload);
// Those of one.
std::vector<std::uint32_t> RowsOf(const Workload& workload, std::size_t client);

// Rounds that are timed, after one that warms up: 2,000 updates, but at least
// two rounds.
int TimedRounds(const Workload& workload);

}  // namespace tributary::bench
