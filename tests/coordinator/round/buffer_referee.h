// SPDX-License-Identifier: Apache-2.0
// Watches one run of asynchronous rounds from outside and says what breaks
// their rules: it knows the promises, not the engine.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/round/effect.h"
#include "coordinator/round/event.h"
#include "coordinator/round/options.h"

namespace tributary::round {

class BufferReferee {
 public:
  explicit BufferReferee(const Options& options) : options_(options) {}

  // Empty, or the first rule these effects of one step break.
  std::string Watch(const Event& event, Instant now,
                    const std::vector<Effect>& effects);

  int released() const { return released_; }
  std::uint64_t refusals() const { return refusals_; }

 private:
  std::string See(const OfferTask& effect);
  std::string See(const GrantUpload& effect);
  std::string See(const AcceptUpdate& effect);
  std::string See(const AcknowledgeAgain& effect);
  std::string See(const Refuse& effect);
  std::string See(const CancelTask& effect);
  std::string See(const OpenRound& effect);
  std::string See(const ReleaseRound& effect);
  std::string See(const CommitRound& effect);
  std::string See(const EndRun& effect);
  std::string See(const WakeAt& effect);
  // Those that asynchronous rounds never have.
  std::string See(const CloseSecureStep&) { return "a secure step"; }
  std::string See(const AbandonRound&) { return "an abandoned buffer"; }
  std::string See(const QuarantineClient&) { return "a quarantine"; }
  std::string See(const ComeBack&) { return ""; }
  std::string See(const AcceptEvaluation&) { return ""; }

  const Options options_;
  Instant now_{};
  bool is_open_ = false;
  bool is_making_model_ = false;
  bool is_over_ = false;
  int released_ = 0;
  // Out: of each client, with no outcome yet.
  std::map<ClientId, Task> tasks_;
  std::map<ClientId, std::uint32_t> buffer_;  // weights
  ModelId base_;                              // of the update counted last
  // Of updates that came while a model was made.
  std::set<TaskToken> kept_;
  // Of every task ever offered, and every one ever counted.
  std::set<TaskToken> offered_;
  std::set<TaskToken> counted_;
  std::set<TaskToken> evaluations_;
  std::uint64_t refusals_ = 0;
};

}  // namespace tributary::round
