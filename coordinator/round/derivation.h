// SPDX-License-Identifier: Apache-2.0
// What the engine derives from the run's key: the same in every replay, and not
// to be guessed without the key.
//
// Pure functions; any thread.
#pragma once

#include "coordinator/round/types.h"
#include "privacy/crypto/random.h"

namespace tributary::round {

// First 16 bytes of "token/<round>/<attempt>/<client>".
TaskToken TrainToken(const Key& key, int round, int attempt,
                     const ClientId& client);
// First 16 bytes of "evaluate/<round>/<client>".
TaskToken EvaluateToken(const Key& key, int round, const ClientId& client);
// "task/<round>/<client>": no attempt, so that a retried round trains the same.
Key TaskSeed(const Key& key, int round, const ClientId& client);

}  // namespace tributary::round
