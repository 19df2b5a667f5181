// SPDX-License-Identifier: Apache-2.0
// Watches one run from outside and says what breaks its rules: it knows the
// promises, not the engine. Shared by the property tests and the fuzzer.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/round/effect.h"
#include "coordinator/round/event.h"
#include "coordinator/round/options.h"

namespace tributary::round {

class Referee {
 public:
  explicit Referee(const Options& options)
      : options_(options), clip_norm_(options.clip_norm) {}

  // Empty, or the first rule these effects of one step break.
  std::string Watch(const Event& event, Instant now,
                    const std::vector<Effect>& effects);

  std::uint64_t refusals() const { return refusals_; }
  int released() const { return released_; }
  // Attempts that were opened, and those that were abandoned.
  int opened() const { return opened_; }
  int abandoned() const { return abandoned_; }

 private:
  struct Round {
    int round = 0;
    int attempt = 0;
    std::map<ClientId, TaskToken> asked;
    std::map<ClientId, std::uint64_t> accepted;  // weights
    std::map<ClientId, Role> roles;              // of those asked
    std::set<ClientId> leaves;                   // that count
    std::set<ClientId> cancelled;
    // Refused for what they are; counted, and gave their session up since.
    std::set<ClientId> struck;
    std::set<ClientId> left;
    // Of a secure session: steps whose closing was asked for, and those that
    // the body has closed; whose updates are in its sum.
    int asked_to_close = 0;
    int closed = 0;
    std::set<ClientId> survivors;
    bool is_closing() const { return asked_to_close > closed; }
  };

  std::string See(const OfferTask& effect);
  std::string See(const ComeBack& effect);
  std::string See(const GrantUpload& effect);
  std::string See(const AcceptUpdate& effect);
  std::string See(const AcknowledgeAgain& effect);
  std::string See(const Refuse& effect);
  std::string See(const CancelTask& effect);
  std::string See(const AcceptEvaluation& effect);
  std::string See(const OpenRound& effect);
  std::string See(const CloseSecureStep& effect);
  std::string See(const ReleaseRound& effect);
  std::string See(const CommitRound& effect);
  std::string See(const AbandonRound& effect);
  std::string See(const QuarantineClient& effect);
  std::string See(const EndRun& effect);
  std::string See(const WakeAt& effect);
  bool HasOpenTask(const ClientId& client, const TaskToken& token) const;
  // Whether the client may still be wanted in the secure session.
  bool IsInSession(const ClientId& client, const TaskToken& token) const;
  bool MayTakeUpdates() const;
  bool IsStrike(const Refuse& effect) const;
  void Strike(const ClientId& client);
  void Note(const Event& event);
  // The round being made: an aggregator's is its parent's.
  int Current() const { return options_.parent ? given_.first : released_ + 1; }
  bool IsOverAsked(const Round& round) const;
  // The parent's newest task is in hand now, if it is this one.
  void TakeTask(int round, int attempt);

  Options options_;
  Instant now_{};
  std::optional<Round> open_;  // collecting
  bool is_making_model_ = false;
  bool is_over_ = false;
  int released_ = 0;
  int attempt_ = 0;
  int opened_ = 0;
  int abandoned_ = 0;
  int debits_ = 0;
  std::optional<double> clip_norm_;
  // Of the round whose model is made: the updates in it, and whose they are.
  int making_of_ = 0;
  std::set<ClientId> makers_;
  // Those in quarantine until a round, and of whom that is still to be told.
  std::map<ClientId, int> strikes_;
  std::map<ClientId, int> quarantined_;
  std::set<ClientId> untold_;
  // Of a parent's tasks: the newest that was taken, whether it is in hand, and
  // the one that this step brings.
  std::pair<int, int> given_;
  bool has_task_ = false;
  std::optional<std::pair<int, int>> coming_;
  std::optional<UpdateArrived> arrived_;  // this step's
  // This step's event ends the attempt.
  bool must_abandon_ = false;
  std::optional<ModelReleased> made_;
  std::set<TaskToken> counted_;  // every token ever accepted
  // An evaluation given out: whose, and for which round.
  std::map<TaskToken, std::pair<ClientId, int>> evaluations_;
  std::uint64_t refusals_ = 0;
};

}  // namespace tributary::round
