// SPDX-License-Identifier: Apache-2.0
// The virtual clients of a plan: who they are and which examples they hold.
//
// Immutable once loaded; may be read from any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "privacy/crypto/random.h"
#include "simulation/participants.h"
#include "simulation/partition.h"
#include "simulation/partitions/feature_shift.h"
#include "simulation/poison.h"
#include "tributary/dataset.h"
#include "tributary/torch_trainer.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

struct Population {
  std::shared_ptr<const Dataset> train;
  std::shared_ptr<const Dataset> test;  // null without simulation.test
  // What clients train on.
  Partition partition;
  // What they judge models on; nothing without
  // simulation.client_test_fraction.
  std::optional<Partition> client_test;
  FeatureShift shift;
  // What adversaries do to their examples, the last clients of the partition.
  Poison poison;
  // Of a backdoor: what its success is judged on; else null.
  std::shared_ptr<const Dataset> triggered;
  // Whether adversaries train at all: others know of what they send without.
  bool adversaries_train = false;
  // Whose data each part is, in a natural partition; else empty.
  std::vector<std::string> owners;

  bool IsAdversary(std::size_t client) const {
    return client >= partition.honest();
  }
  // Copies of what the client trains on and of what it judges models on, its
  // features shifted; an adversary's as those of the client it holds the
  // examples of, then poisoned.
  Dataset RowsOf(std::size_t client) const;
  Dataset TestRowsOf(std::size_t client) const;
};

// Reads the plan's data and partitions it.
absl::StatusOr<std::shared_ptr<const Population>> LoadPopulation(
    const v1::Plan& plan, const Key& run_key);

// The clients, each with the LibTorch trainer over its own examples on this
// device, and the evaluator if there are test data.
std::shared_ptr<const Participants> MakeParticipants(
    std::shared_ptr<const Population> population,
    const TorchDevice& device = {});

}  // namespace tributary::simulation
