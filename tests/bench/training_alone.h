// SPDX-License-Identifier: Apache-2.0
// What the clients of a workload train, and nothing around it: Trainer::Train
// for one after the other, from the same model into the same vector.
#pragma once

#include "tests/bench/workload.h"

namespace tributary::bench {

// CPU seconds for each client, over TimedRounds.
double TrainAlone(const Workload& workload);

}  // namespace tributary::bench
