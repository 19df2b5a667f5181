// SPDX-License-Identifier: Apache-2.0
// The round engine: one run's rounds as a pure state machine.
//
//   std::vector<Effect> effects = engine.Step(event, now);
//
// No clock, thread, socket or disk inside: the same events at the same instants
// give the same effects in every process. Time is applied before the event, so
// an update that comes after the deadline is late even if no tick came first. A
// client that misbehaves is data (Refuse), never an error of ours. State is
// iterated in sorted order only. docs/rounds.md tells the rules in prose.
//
// Phases:   Selecting -> Collecting -> Released -> Selecting ...
//                            \-> Abandoned (backing off) -> Selecting
//           Released -> Finishing (the last evaluation is out) -> Ended
//           any -> Ended
// Orthogonal to them: the clients that wait, and the evaluations.
//
// One thread at a time. A step costs O(log n) for most events and O(n log n)
// when a round opens or closes, n being the clients waiting or asked.
#pragma once

#include <cstddef>
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
  // Since when the waiting clients could meet the quorum.
  std::optional<Instant> quorum_since;
  friend bool operator==(const Selecting&, const Selecting&) = default;
};

// What one client of the cohort has done.
enum class Participation { kAsked, kAccepted, kRefused, kFailed };
struct Participant {
  Participation state = Participation::kAsked;
  TaskToken token;
  Contribution contribution;          // once accepted; weight as counted
  std::uint32_t declared_weight = 0;  // once accepted; as the client sent it
  Refusal refusal = Refusal::kNone;   // once refused or failed: the answer
  friend bool operator==(const Participant&, const Participant&) = default;
};
using Cohort = std::map<ClientId, Participant>;

// The cohort trains; updates come in.
struct Collecting {
  Instant opened;
  Instant deadline;
  Cohort cohort;
  int accepted = 0;     // participants counted
  int outstanding = 0;  // participants asked, with no outcome yet
  friend bool operator==(const Collecting&, const Collecting&) = default;
};

// Closed with enough updates; the runner makes the model.
struct Released {
  Instant opened;
  Cohort cohort;
  friend bool operator==(const Released&, const Released&) = default;
};

// The attempt failed; the next one starts at `until`.
struct Abandoned {
  Instant until;
  friend bool operator==(const Abandoned&, const Abandoned&) = default;
};

// The last round is released; its evaluation is not in yet.
struct Finishing {
  friend bool operator==(const Finishing&, const Finishing&) = default;
};

struct Ended {
  RunEnd end = RunEnd::kFinished;
  std::string reason;
  friend bool operator==(const Ended&, const Ended&) = default;
};

using Phase =
    std::variant<Selecting, Collecting, Released, Abandoned, Finishing, Ended>;
std::string_view Name(const Phase& phase);  // "selecting", ...

// A released model that waits for, or is with, an evaluator.
struct Evaluation {
  int round = 0;
  ModelId model;
  Instant deadline;                   // of the whole evaluation
  std::optional<ClientId> evaluator;  // who has the task
  TaskToken token;                    // that evaluator's; else zero
  friend bool operator==(const Evaluation&, const Evaluation&) = default;
};

// An evaluation to be had once the one before it is over.
struct QueuedEvaluation {
  int round = 0;
  ModelId model;
  friend bool operator==(const QueuedEvaluation&,
                         const QueuedEvaluation&) = default;
};

// Whose evaluation was taken last, so that it can be acknowledged again.
struct TakenEvaluation {
  ClientId client;
  TaskToken token;
  friend bool operator==(const TakenEvaluation&,
                         const TakenEvaluation&) = default;
};

// Everything the engine knows: what a snapshot holds.
struct State {
  Phase phase = Selecting{};
  int round = 1;                  // being made; round - 1 are released
  int attempt = 1;                // of it
  ModelId model;                  // the latest released
  Instant now{};                  // of the latest step
  std::set<ClientId> waiting;     // trainers that may be asked
  std::set<ClientId> evaluators;  // evaluators that may be asked
  std::optional<Evaluation> evaluation;
  std::optional<QueuedEvaluation> queued_evaluation;
  std::optional<TakenEvaluation> taken_evaluation;
  // Tasks counted in the last released round.
  std::map<ClientId, TaskToken> counted;
  // Those asked in the last round or attempt that closed: they stand back.
  std::set<ClientId> served;
  // How long the last released round collected; for pace steering.
  std::optional<Duration> last_collected;
  std::map<Refusal, std::uint64_t> refusals;
  friend bool operator==(const State&, const State&) = default;
};

class Engine {
 public:
  // `key` is the run's: cohorts, tokens and task seeds come from it. `options`
  // are valid.
  Engine(const Options& options, const Key& key, const ModelId& first_model);
  // From a snapshot made under the same options and key.
  Engine(const Options& options, const Key& key, State state);

  // What is to be done about the event. A `now` before the last step's counts
  // as the last step's. Never fails; safe in every phase.
  [[nodiscard]] std::vector<Effect> Step(const Event& event, Instant now);

  const State& state() const { return state_; }
  const Options& options() const { return options_; }
  // How many more trainers that were not asked lately would be kept waiting if
  // they checked in now; any more would be turned away.
  std::size_t Room() const;
  // How long no more trainers will be needed, as far as is known.
  Duration Horizon() const;

 private:
  // What an arrived update's verification found, seen from the engine.
  struct Claim {
    const ClientId& client;
    const TaskToken& token;
    const Contribution& contribution;
    Refusal defect;
  };

  void Handle(const Tick&) {}
  void Handle(const CheckIn& event);
  void Handle(const Left& event);
  void Handle(const UpdateAnnounced& event);
  void Handle(const UpdateArrived& event);
  void Handle(const EvaluationArrived& event);
  void Handle(const TaskFailed& event);
  void Handle(const ClientRevoked& event);
  void Handle(const ModelReleased& event);
  void Handle(const Restarted& event);
  void Handle(const StopRequested& event);

  // The transitions: the only writers of state_.phase.
  void BecomeSelecting();
  void BecomeCollecting(std::vector<ClientId> cohort);
  void BecomeReleased(Collecting closed);
  void BecomeAbandoned(int accepted, std::string reason);
  void BecomeFinishing();
  void BecomeEnded(RunEnd end, std::string reason);

  // engine.cc
  void ApplyTime();
  std::optional<Instant> PhaseTimer() const;
  std::optional<Instant> NextTimer() const;
  void Emit(Effect effect);
  void EmitRefusal(const ClientId& client, const TaskToken& token,
                   Refusal reason);
  template <typename P>
  P* InPhase() {
    return std::get_if<P>(&state_.phase);
  }

  // selection.cc
  void TrainerChecksIn(const ClientId& client);
  bool MayWait(const ClientId& client) const;
  void NoteQuorum();
  void OpenIfReady();
  std::vector<ClientId> DrawCohort() const;

  // collecting.cc
  Cohort* CurrentCohort();
  Participant* Admit(const Claim& claim);
  Refusal WhyUnknown(const ClientId& client, const TaskToken& token) const;
  bool WasAskedBefore(const ClientId& client, const TaskToken& token) const;
  void Drop(Participant& participant, Participation state, Refusal refusal);
  void CloseIfSettled();
  void CloseCollecting(const std::string& when);
  Task TrainTask(const ClientId& client, const Collecting& collecting) const;

  // evaluation.cc
  void EvaluatorChecksIn(const ClientId& client);
  void ScheduleEvaluation(int round, const ModelId& model);
  void OfferEvaluation();
  void EvaluationIsOver();
  Refusal WhyNoEvaluation(const ClientId& client, const TaskToken& token) const;
  bool ReachesTarget(const Metrics& metrics) const;
  Task EvaluateTask() const;

  Options options_;
  Key key_;
  State state_;
  std::vector<Effect> effects_;  // of the step being made
};

}  // namespace tributary::round
