// SPDX-License-Identifier: Apache-2.0
// Random runs: small numbers become plausible events. A move knows the tokens
// that were given out, so most of what is sent reaches beyond the first check;
// a share of it is stolen, stale or malformed.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "coordinator/round/engine.h"
#include "tests/coordinator/round/buffer_referee.h"
#include "tests/coordinator/round/play_session.h"
#include "tests/coordinator/round/referee.h"

namespace tributary::round {

// What, who, how and after how long. Every value means something.
using Move = std::array<std::uint8_t, 4>;

// Small rounds with every feature on or off: masked, sampled, with a budget.
Options OptionsFor(std::uint32_t choice);
// Rounds that wait for nobody: buffered, and mixed.
Options AsynchronousOptionsFor(std::uint32_t choice);
// Either.
Options AnyOptionsFor(std::uint32_t choice);

class RandomPlay {
 public:
  struct Moment {
    Event event;
    Instant now;
    std::vector<Effect> effects;
  };

  RandomPlay(const Options& options, const Key& key);

  void Make(const Move& move);
  // From now on everybody checks in and returns good updates. False if the run
  // does not end.
  bool ReachesItsEnd();

  // Empty, or the first rule that was broken.
  const std::string& complaint() const { return complaint_; }
  const std::vector<Moment>& moments() const { return moments_; }
  const Engine& engine() const { return engine_; }
  // Of rounds that wait for their cohort, and of those that do not.
  const Referee& referee() const { return std::get<Referee>(referee_); }
  const BufferReferee& buffer_referee() const {
    return std::get<BufferReferee>(referee_);
  }

 private:
  Event EventOf(const Move& move) const;
  TaskToken TokenFor(const ClientId& client, std::uint8_t how) const;
  Contribution ContributionOf(const ClientId& client, std::uint8_t how) const;
  ModelReleased ModelOf(std::uint8_t how) const;
  // Updates are wanted now.
  bool IsCollecting() const;
  // More clients than may, though nothing was forgotten in a restart.
  bool TooManyTrain() const;
  Contribution SumContribution(const LeafSet& leaves, const ClientId& edge,
                               std::uint8_t how) const;
  // Newer than any before.
  TaskGiven NextTask(std::uint8_t how) const;
  void EdgeActs(const ClientId& edge);
  void Step(const Event& event);
  // As the runner does it: answers come from the session, and die with it.
  void Perform(const Effect& effect);
  // What the session owes the engine, if anything.
  void AnswerClosing();
  // Everyone whose bit is set does what the round waits for now.
  void AllAct(unsigned who);

  Engine engine_;
  std::variant<Referee, BufferReferee> referee_;
  PlaySession session_;
  std::optional<CloseSecureStep> due_;  // what the session is to answer
  Instant now_{};
  std::map<ClientId, std::vector<Task>> tasks_;  // given, oldest first
  std::map<ClientId, std::uint64_t> epochs_;     // of aggregators, the newest
  std::vector<Moment> moments_;
  std::string complaint_;
  bool has_restarted_ = false;
};

}  // namespace tributary::round
