// SPDX-License-Identifier: Apache-2.0
// Pace steering: when a client that is not needed now should check in again
// (Bonawitz et al. 2019, section 2.3). The window starts after the time for
// which nobody more is needed, and is wide enough that clients turned away
// together do not come back together; its start is jittered per client too.
//
//   h        = the horizon, held in 1 s .. 200 s
//   earliest = h (1 + u / 4)              u uniform in [0, 1)
//   latest   = earliest + h / 4           so 1 s <= earliest < latest <= 300 s
//
// Pure; any thread.
#pragma once

#include <chrono>

#include "coordinator/round/effect.h"
#include "coordinator/round/types.h"
#include "privacy/crypto/random.h"

namespace tributary::round {

// h is held to it.
inline constexpr Duration kLongestHorizon = std::chrono::seconds(200);

// `horizon`: how long no more clients will be needed, as far as is known. The
// jitter depends on the key, the client and `now` only.
ComeBack PaceWindow(const Key& key, const ClientId& client, Instant now,
                    Duration horizon);

// How long a client stays away in the mean that is told to come back: 1.25 h.
Duration MeanAbsence(Duration horizon);

}  // namespace tributary::round
