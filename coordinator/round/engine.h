// SPDX-License-Identifier: Apache-2.0
// The round engine: one run's rounds as a pure state machine.
//
//   std::vector<Effect> effects = engine.Step(event, now);
//
// No clock, thread, socket or disk inside: the same events at the same instants
// give the same effects in every process. Time is applied before the event, so
// an update that comes after the deadline is late even if no tick came first. A
// client that misbehaves is data (Refuse), never an error of ours. State is
// iterated in sorted order only.
//
// Phases:   Selecting -> Collecting -> Released -> Selecting ...
//                            \-> Abandoned (backing off) -> Selecting
//           any -> Ended
// Orthogonal to them: the clients that wait, and one evaluation.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "coordinator/round/effect.h"
#include "coordinator/round/event.h"
#include "coordinator/round/options.h"
#include "coordinator/round/types.h"

namespace tributary::round {

// Clients check in; the cohort is drawn when enough wait.
struct Selecting {
  // When the waiting clients first could meet the quorum.
  std::optional<Instant> quorum_since;
};

// What one client of the cohort has done.
enum class Participation { kAsked, kAccepted, kRefused, kFailed };
struct Participant {
  Participation state = Participation::kAsked;
  TaskToken token;
  Contribution contribution;  // once accepted
};

// The cohort trains; updates come in.
struct Collecting {
  Instant opened;
  Instant deadline;
  std::map<ClientId, Participant> cohort;
  int accepted = 0;
};

// Closed with enough updates; the runner makes the model.
struct Released {
  Instant opened;
  std::map<ClientId, Participant> cohort;
};

// The attempt failed; the next one starts at `until`.
struct Abandoned {
  Instant until;
};

struct Ended {
  RunEnd end = RunEnd::kFinished;
  std::string reason;
};

using Phase = std::variant<Selecting, Collecting, Released, Abandoned, Ended>;
std::string_view Name(const Phase& phase);

// A released model that waits for, or is with, an evaluator.
struct Evaluation {
  int round = 0;
  ModelId model;
  TaskToken token;
  std::optional<ClientId> evaluator;  // who has the task
  Instant deadline;                   // of the whole evaluation
};

// Everything the engine knows: what a snapshot holds.
struct State {
  Phase phase = Selecting{};
  int round = 1;    // being made
  int attempt = 1;  // of it
  ModelId model;    // the latest released
  Instant now{};
  std::set<ClientId> waiting;     // trainers that may be asked
  std::set<ClientId> evaluators;  // evaluators that may be asked
  std::optional<Evaluation> evaluation;
  std::map<Refusal, std::uint64_t> refusals;
  // Set when the last round is released but its evaluation is still out.
  bool finishing = false;
};

class Engine {
 public:
  // `key` is the run's: cohorts, tokens and task seeds come from it.
  Engine(const Options& options, const Key& key, const ModelId& first_model);
  // From a snapshot.
  Engine(const Options& options, const Key& key, State state);

  [[nodiscard]] std::vector<Effect> Step(const Event& event, Instant now);

  const State& state() const { return state_; }
  const Options& options() const { return options_; }

 private:
  Options options_;
  Key key_;
  State state_;
};

}  // namespace tributary::round
