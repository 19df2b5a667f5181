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
// "seeds/<round>": what the seeds of a round's tasks derive from. No attempt,
// so that a retried round trains the same. Aggregators are told it, and so give
// their leaves the seeds that these would have anywhere.
Key RoundSeed(const Key& key, int round);
// "task/<client>"
Key TaskSeed(const Key& round_seed, const ClientId& client);

}  // namespace tributary::round
