// SPDX-License-Identifier: Apache-2.0
// What is released, as the state says: the same when the round closes and when
// a process comes back in the middle of it.
//
// Pure; any thread.
#pragma once

#include "coordinator/round/effect.h"
#include "coordinator/round/options.h"
#include "coordinator/round/state.h"

namespace tributary::round {

// The phase is Released.
ReleaseRound ReleaseOf(const State& state, const Options& options);

}  // namespace tributary::round
