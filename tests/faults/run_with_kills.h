// SPDX-License-Identifier: Apache-2.0
// A run of real processes whose coordinator is killed with -9 at seeded
// instants.
#pragma once

#include <string>

#include "tests/end_to_end/federation.h"

namespace tributary::testing {

constexpr int kKillsPerRun = 3;

struct KilledRun {
  std::string name;
  // Kills after which a round had all its updates, and no model yet.
  int before_model = 0;
};

// Starts everything and, once rounds are being released, kills the coordinator
// at instants drawn from the seed; each time it must come back to a run that is
// not over. Waits for the end and returns the run.
KilledRun RunWithKills(Federation& federation, int seed);

}  // namespace tributary::testing
