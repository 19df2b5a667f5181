// SPDX-License-Identifier: Apache-2.0
// The virtual clients of a plan: who they are and which examples they hold.
//
// Immutable once loaded; may be read from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "privacy/crypto/random.h"
#include "simulation/participants.h"
#include "simulation/partition.h"
#include "tributary/dataset.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

struct Population {
  // Whom train's examples belong to by nature, as in datasets::Examples.
  std::vector<std::uint32_t> owner;
  std::vector<std::string> owners;
  std::shared_ptr<const Dataset> train;
  std::shared_ptr<const Dataset> test;  // null without simulation.test
  Partition partition;
};

// Reads the plan's data and partitions it.
absl::StatusOr<Population> LoadPopulation(const v1::Plan& plan,
                                          const Key& run_key);

// The clients, each with the LibTorch trainer over its own examples, and the
// evaluator if there are test data.
std::shared_ptr<const Participants> MakeParticipants(
    const Population& population);

}  // namespace tributary::simulation
