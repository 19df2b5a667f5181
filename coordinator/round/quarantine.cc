// SPDX-License-Identifier: Apache-2.0
// Strikes of clients whose updates are not what they should be, and how long
// those with too many are not asked.
#include <string>

#include "coordinator/round/pace.h"
#include "coordinator/round/synchronous_engine.h"

namespace tributary::round {
namespace {

// Said of the update or the message itself. Who is late, lost its task or
// trained from a model of before may only be slow.
bool IsMisbehaviour(Refusal reason) {
  switch (reason) {
    case Refusal::kWrongSize:
    case Refusal::kBadChecksum:
    case Refusal::kBadEncoding:
    case Refusal::kNotFinite:
    case Refusal::kOverBound:
    case Refusal::kBadWeight:
    case Refusal::kBadMessage:
    case Refusal::kBadProtocol:
      return true;
    default:
      return false;
  }
}

}  // namespace

void SynchronousEngine::StrikeIfMisbehaved(const ClientId& client,
                                           Refusal reason) {
  if (IsMisbehaviour(reason)) Strike(client, Name(reason));
}

void SynchronousEngine::Strike(const ClientId& client,
                               std::string_view reason) {
  if (!options_.quarantine || state_.quarantined.contains(client)) return;
  if (++state_.strikes[client] < options_.quarantine->strikes) return;
  state_.strikes.erase(client);
  // The round being made, and so many after it.
  const int until = state_.round + options_.quarantine->rounds + 1;
  state_.quarantined[client] = until;
  Emit(QuarantineClient{client, until, std::string(reason)});
  if (state_.waiting.erase(client) + state_.aggregators.erase(client) == 0) {
    return;
  }
  Emit(PaceWindow(key_, client, state_.now, Horizon()));
  NoteQuorum();
}

void SynchronousEngine::EndQuarantines() {
  std::erase_if(state_.quarantined, [this](const auto& each) {
    return each.second <= state_.round;
  });
}

}  // namespace tributary::round
