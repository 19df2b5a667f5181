// SPDX-License-Identifier: Apache-2.0
// The engine of rounds that wait for their cohort: who is asked, what counts,
// when a round closes. docs/rounds.md tells the rules in prose.
//
// Phases:   Selecting -> Collecting -> Released -> Selecting ...
//           Selecting -> Keying -> Collecting -> Unmasking -> Released ...
//                              where updates are masked
//           each of a round -> Abandoned (backing off) -> Selecting
//           Released -> Finishing (the last evaluation is out) -> Ended
//           any -> Ended
//   at an aggregator, where Resting stands for Abandoned and Finishing:
//           Resting -> Selecting -> ... -> Released -> Resting
//           each of a round -> Resting
// Orthogonal to them: the clients that wait, those in quarantine, and the
// evaluations.
//
// One thread at a time. A step costs O(log n) for most events and O(n log n)
// when a round opens or closes, n being the clients waiting or asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "coordinator/round/run_engine.h"

namespace tributary::round {

class SynchronousEngine final : public RunEngine {
 public:
  using RunEngine::RunEngine;

  [[nodiscard]] std::vector<Effect> Step(const Event& event,
                                         Instant now) override;
  std::size_t Room() const override;
  Duration Horizon() const override;

 private:
  // What an arrived update's verification found, seen from the engine.
  struct Claim {
    const ClientId& client;
    const TaskToken& token;
    const Contribution& contribution;
    Refusal defect;
    const LeafSet* leaves;  // null before they are there
  };

  using RunEngine::Handle;
  void Handle(const Tick&) {}
  void Handle(const CheckIn& event);
  void Handle(const Left& event);
  void Handle(const UpdateAnnounced& event);
  void Handle(const UpdateArrived& event);
  void Handle(const TaskFailed& event);
  void Handle(const ClientRevoked& event);
  void Handle(const ModelReleased& event);
  void Handle(const Restarted& event);
  void Handle(const SecureAnswered& event);
  void Handle(const SecureStepClosed& event);
  void Handle(const SecureAbandoned& event);
  void Handle(const TaskGiven& event);
  void Handle(const TaskOver& event);

  // The transitions: the only writers of state_.phase.
  void BecomeSelecting();
  void BecomeKeying(Keying step);
  void BecomeCollecting(Collecting collecting);
  void BecomeUnmasking(Unmasking step);
  void BecomeReleased(Instant opened, Cohort cohort);
  void BecomeAbandoned(int accepted, std::string reason);
  void BecomeResting();

  // synchronous_engine.cc
  void ApplyTime();
  // Takes one from the budget, if there is any.
  void Charge();
  void GoOn();
  std::optional<Instant> PhaseTimer() const;

  // selection.cc
  void TrainerChecksIn(const ClientId& client);
  bool MayWait(const ClientId& client) const;
  void NoteQuorum();
  void OpenIfReady();
  void Open();
  std::vector<ClientId> DrawTrainers(std::int64_t through) const;
  std::vector<ClientId> DrawEach() const;
  std::vector<ClientId> DrawUniformly(const std::set<ClientId>& waiting,
                                      const char* label,
                                      std::size_t most) const;
  Cohort Ask(const std::vector<ClientId>& clients, Role role);

  // tasks.cc
  const Cohort* CurrentCohort() const;
  Cohort* CurrentCohort();
  bool HasTask(const ClientId& client, const Participant& participant) const;
  bool OfferAgain(const ClientId& client, Role role);
  Instant RoundDeadline() const;
  Instant StepDeadline() const;
  Task TrainTask(const ClientId& client, const Participant& participant,
                 Instant deadline) const;
  void CancelTasks(Refusal reason) override;
  void Drop(const ClientId& client, Participant& participant,
            Participation state, Refusal refusal);
  void LeaveSession(const ClientId& client);
  int Accepted() const;
  void StandBack();
  void AbandonAttempt(Refusal told, std::string reason);
  // What clients hear of an attempt that is abandoned.
  Refusal ToldOfAbandoned() const {
    return options_.secure ? Refusal::kAbandoned : Refusal::kTooLate;
  }

  // collecting.cc
  Participant* Admit(const Claim& claim);
  Refusal FaultOf(const Claim& claim, const Participant& participant) const;
  Refusal FaultOfUpdate(const Claim& claim) const;
  void AnswerCounted(const Claim& claim, const Participant& participant);
  Refusal WhyUnknown(const ClientId& client, const TaskToken& token) const;
  bool WasAskedBefore(const ClientId& client,
                      const TaskToken& token) const override;
  void CloseIfSettled();
  bool IsSettled(const Collecting& collecting) const;
  void CloseCollecting(const std::string& when);

  // quarantine.cc
  void Strike(const ClientId& client, std::string_view reason);
  void StrikeIfMisbehaved(const ClientId& client, Refusal reason);
  void EndQuarantines();

  // tree.cc
  void AggregatorChecksIn(const ClientId& client, std::uint64_t epoch);
  std::int64_t WaitingLeaves() const;
  std::int64_t AskedThrough(std::size_t aggregators) const;
  std::vector<ClientId> DrawAggregators() const;
  std::optional<LeafLedger> NewLedger() const;
  int Counted(const Collecting& collecting) const;
  bool IsOfEpochOver(const Claim& claim) const;
  bool CountsThroughAnother(const ClientId& client) const;
  Refusal FaultOfSum(const Claim& claim) const;
  bool CountLeaves(const Claim& claim, Participant& participant);

  // parent.cc
  bool IsInHand(int round, int attempt) const;
  void BringForward(Instant deadline);
  Instant OpenUntil(Instant opened) const;
  std::optional<Instant> SelectingUntil(const Selecting& selecting) const;

  // secure.cc
  using Clients = std::set<ClientId>;
  void CloseStep();
  void KeyingClosed(Keying& keying, const Clients& remaining);
  void MaskingClosed(Collecting& collecting, const Clients& remaining);
  void UnmaskingClosed(Unmasking& unmasking, const Clients& remaining);
  void LoseSession();
};

}  // namespace tributary::round
