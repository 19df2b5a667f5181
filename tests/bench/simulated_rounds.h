// SPDX-License-Identifier: Apache-2.0
// Rounds of the whole simulator: sampling, engine, sessions, virtual time,
// trainers, sums, releases.
#pragma once

#include <memory>

#include "simulation/ranks/ranks.h"
#include "tests/bench/workload.h"

namespace tributary::bench {

struct SimulatedRounds {
  double updates_per_second = 0;
  // CPU time for each update, of the thread that drives the rounds: all there
  // is with one worker.
  double cpu_seconds = 0;
};

// TimedRounds in which every client of the workload takes part; by the ranks
// together if there are several.
SimulatedRounds Simulate(const Workload& workload, int workers,
                         std::shared_ptr<simulation::Ranks> ranks =
                             std::make_shared<simulation::OneRank>());

}  // namespace tributary::bench
