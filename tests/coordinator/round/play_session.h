// SPDX-License-Identifier: Apache-2.0
// A secure session as the engine sees one, without keys or masks: who answered
// which step, who is left, and whether that is enough. What the runner's real
// session answers to CloseSecureStep.
#pragma once

#include <set>

#include "coordinator/round/effect.h"
#include "coordinator/round/event.h"
#include "coordinator/round/options.h"

namespace tributary::round {

class PlaySession {
 public:
  explicit PlaySession(const Options& options) : options_(options) {}

  // A session for this attempt, in its first step.
  void Open(const OpenRound& round);
  // The last one once it is over.
  SecureStep step() const { return step_; }
  // Whether the client's message of this step is taken.
  bool Takes(const ClientId& client, SecureStep step);
  // SecureStepClosed, or SecureAbandoned if too few are left: of the terms'
  // minimum, or of the half of those whose masks must come off.
  Event Close(const CloseSecureStep& asked);

 private:
  Options options_;
  SecureStep step_ = SecureStep::kAdvertising;
  bool is_over_ = false;
  std::set<ClientId> members_;
  std::set<ClientId> answered_;
  std::size_t survivors_ = 0;
};

}  // namespace tributary::round
