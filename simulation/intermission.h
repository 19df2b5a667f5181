// SPDX-License-Identifier: Apache-2.0
// Between two rounds of a simulation: whether it is saved, stopped or goes on.
// No update of a round is counted then, so what is to be saved is small.
//
// Called on the simulation's thread. Ask is the one place that decides: where
// several processes make one run, their answers must be the same.
#pragma once

#include "absl/status/status.h"

namespace tributary::simulation {

class Simulation;

class Intermission {
 public:
  // In the order of urgency.
  enum class Wish : char { kGoOn, kSave, kSaveAndStop };

  virtual ~Intermission() = default;
  virtual Wish Ask() = 0;
  // What the run needs to go on from here (simulation/checkpoint.h). An error
  // ends the run.
  virtual absl::Status Save(const Simulation& simulation) = 0;
};

}  // namespace tributary::simulation
