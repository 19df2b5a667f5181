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
//           Selecting -> Keying -> Collecting -> Unmasking -> Released ...
//                              where updates are masked
//           each of a round -> Abandoned (backing off) -> Selecting
//           Released -> Finishing (the last evaluation is out) -> Ended
//           any -> Ended
// Orthogonal to them: the clients that wait, and the evaluations.
//
// One thread at a time. A step costs O(log n) for most events and O(n log n)
// when a round opens or closes, n being the clients waiting or asked.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "coordinator/round/effect.h"
#include "coordinator/round/event.h"
#include "coordinator/round/options.h"
#include "coordinator/round/state.h"
#include "coordinator/round/types.h"

namespace tributary::round {

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
  void Handle(const SecureAnswered& event);
  void Handle(const SecureStepClosed& event);
  void Handle(const SecureAbandoned& event);

  // The transitions: the only writers of state_.phase.
  void BecomeSelecting();
  void BecomeKeying(Keying step);
  void BecomeCollecting(Collecting collecting);
  void BecomeUnmasking(Unmasking step);
  void BecomeReleased(Instant opened, Cohort cohort);
  void BecomeAbandoned(int accepted, std::string reason);
  void BecomeFinishing();
  void BecomeEnded(RunEnd end, std::string reason);

  // engine.cc
  void ApplyTime();
  bool HasNextRound() const;
  // Takes one from the budget, if there is any.
  void Charge();
  void GoOn();
  void EndAfterLastRound();
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
  void Open();
  std::vector<ClientId> DrawCohort() const;
  std::vector<ClientId> DrawEach() const;
  std::vector<ClientId> DrawUniformly() const;
  Cohort Ask(const std::vector<ClientId>& clients);

  // tasks.cc
  const Cohort* CurrentCohort() const;
  Cohort* CurrentCohort();
  bool HasTask(const ClientId& client, const Participant& participant) const;
  bool OfferAgain(const ClientId& client);
  Instant RoundDeadline() const;
  Instant StepDeadline() const;
  Task TrainTask(const ClientId& client, const TaskToken& token,
                 Instant deadline) const;
  void CancelTasks(Refusal reason);
  void Drop(const ClientId& client, Participant& participant,
            Participation state, Refusal refusal);
  void LeaveSession(const ClientId& client);
  int Accepted() const;
  void StandBack();
  void AbandonAttempt(Refusal told, std::string reason);

  // collecting.cc
  Participant* Admit(const Claim& claim);
  void AnswerCounted(const Claim& claim, const Participant& participant);
  Refusal WhyUnknown(const ClientId& client, const TaskToken& token) const;
  bool WasAskedBefore(const ClientId& client, const TaskToken& token) const;
  void CloseIfSettled();
  bool IsSettled(const Collecting& collecting) const;
  void CloseCollecting(const std::string& when);

  // secure.cc
  using Clients = std::set<ClientId>;
  void CloseStep();
  void KeyingClosed(Keying& keying, const Clients& remaining);
  void MaskingClosed(Collecting& collecting, const Clients& remaining);
  void UnmaskingClosed(Unmasking& unmasking, const Clients& remaining);
  void LoseSession();

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
