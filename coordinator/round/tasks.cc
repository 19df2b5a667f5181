// SPDX-License-Identifier: Apache-2.0
// What is asked of the cohort, and how its members leave it.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/round/derivation.h"
#include "coordinator/round/synchronous_engine.h"

namespace tributary::round {

const Cohort* CohortOf(const Phase& phase) {
  return std::visit(
      [](const auto& alive) -> const Cohort* {
        if constexpr (requires { alive.cohort; }) {
          return &alive.cohort;
        } else {
          return nullptr;
        }
      },
      phase);
}

std::uint64_t LeavesOf(const Participant& participant) {
  return participant.role == Role::kAggregator ? participant.leaves.size() : 1;
}

const Cohort* SynchronousEngine::CurrentCohort() const {
  return CohortOf(state_.phase);
}

Cohort* SynchronousEngine::CurrentCohort() {
  return const_cast<Cohort*>(std::as_const(*this).CurrentCohort());
}

// Whether something is still to come from a client of the current cohort: its
// update, or its answers in the secure session.
bool SynchronousEngine::HasTask(const ClientId& client,
                                const Participant& participant) const {
  if (std::holds_alternative<Keying>(state_.phase)) {
    return participant.state == Participation::kAsked;
  }
  if (const auto* collecting = std::get_if<Collecting>(&state_.phase)) {
    if (participant.state == Participation::kAsked) return true;
    return options_.secure && participant.state == Participation::kAccepted &&
           !collecting->gone.contains(client);
  }
  const auto* unmasking = std::get_if<Unmasking>(&state_.phase);
  return unmasking != nullptr && unmasking->members.contains(client);
}

Instant SynchronousEngine::RoundDeadline() const {
  if (const auto* keying = std::get_if<Keying>(&state_.phase)) {
    return OpenUntil(keying->opened);
  }
  const auto* collecting = std::get_if<Collecting>(&state_.phase);
  return collecting == nullptr ? state_.now : collecting->deadline;
}

// Of a step of the secure session that begins now.
Instant SynchronousEngine::StepDeadline() const {
  return state_.now + options_.secure.value_or(SecureOptions{}).step_deadline;
}

Task SynchronousEngine::TrainTask(const ClientId& client,
                                  const Participant& participant,
                                  Instant deadline) const {
  const Key round_seed =
      state_.round_seed.value_or(RoundSeed(key_, state_.round));
  return Task{.kind = TaskKind::kTrain,
              .round = state_.round,
              .attempt = state_.attempt,
              .token = participant.token,
              .model = state_.model,
              .deadline = deadline,
              .seed = participant.role == Role::kAggregator
                          ? round_seed
                          : TaskSeed(round_seed, client),
              .role = participant.role,
              .clip_norm = state_.clip_norm.value_or(0)};
}

// To a client that came back. False if it has no task that it could still do.
bool SynchronousEngine::OfferAgain(const ClientId& client, Role role) {
  const Cohort* cohort = CurrentCohort();
  if (cohort == nullptr) return false;
  const auto found = cohort->find(client);
  if (found == cohort->end() || found->second.role != role ||
      !HasTask(client, found->second)) {
    return false;
  }
  // Whose update counts has a step of the session to answer, or two.
  const Instant deadline = found->second.state == Participation::kAccepted
                               ? StepDeadline()
                               : RoundDeadline();
  if (deadline <= state_.now) return false;
  Emit(OfferTask{client, TrainTask(client, found->second, deadline)});
  return true;
}

void SynchronousEngine::CancelTasks(Refusal reason) {
  const Cohort* cohort = CurrentCohort();
  if (cohort == nullptr) return;
  for (const auto& [client, participant] : *cohort) {
    if (!HasTask(client, participant)) continue;
    Emit(CancelTask{client, participant.token, reason});
  }
}

void SynchronousEngine::Drop(const ClientId& client, Participant& participant,
                             Participation state, Refusal refusal) {
  participant.state = state;
  participant.refusal = refusal;
  if (auto* keying = InPhase<Keying>()) keying->awaited.erase(client);
  if (auto* collecting = InPhase<Collecting>()) --collecting->outstanding;
}

// A client whose update counts: it stays in the sum.
void SynchronousEngine::LeaveSession(const ClientId& client) {
  if (auto* collecting = InPhase<Collecting>()) {
    collecting->gone.insert(client);
  } else if (auto* unmasking = InPhase<Unmasking>()) {
    unmasking->members.erase(client);
    unmasking->awaited.erase(client);
  }
}

void SynchronousEngine::Handle(const TaskFailed& event) {
  if (IsEvaluation(event.client, event.token)) return EvaluationIsOver();
  Cohort* cohort = CurrentCohort();
  if (cohort == nullptr) return;
  const auto found = cohort->find(event.client);
  if (found == cohort->end() || found->second.token != event.token ||
      !HasTask(event.client, found->second)) {
    return;
  }
  if (found->second.state == Participation::kAsked) {
    Drop(event.client, found->second, Participation::kFailed,
         Refusal::kUnknownTask);
  } else {
    LeaveSession(event.client);
  }
  CloseIfSettled();
}

void SynchronousEngine::Handle(const ClientRevoked& event) {
  const ClientId& client = event.client;
  state_.waiting.erase(client);
  state_.aggregators.erase(client);
  state_.evaluators.erase(client);
  NoteQuorum();
  if (Cohort* cohort = CurrentCohort()) {
    const auto found = cohort->find(client);
    if (found != cohort->end()) {
      Participant& participant = found->second;
      const bool has_task = HasTask(client, participant);
      if (has_task) {
        Emit(CancelTask{client, participant.token, Refusal::kRevoked});
      }
      if (participant.state == Participation::kAsked) {
        Drop(client, participant, Participation::kFailed, Refusal::kRevoked);
      } else if (has_task) {
        LeaveSession(client);
      }
      CloseIfSettled();
    }
  }
  RevokeEvaluation(client);
}

int SynchronousEngine::Accepted() const {
  const Cohort* cohort = CurrentCohort();
  if (cohort == nullptr) return 0;
  int accepted = 0;
  for (const auto& [client, participant] : *cohort) {
    if (participant.state == Participation::kAccepted) {
      accepted += static_cast<int>(LeavesOf(participant));
    }
  }
  return accepted;
}

// Whoever was asked now makes room for others in the next round.
void SynchronousEngine::StandBack() {
  const Cohort* cohort = CurrentCohort();
  if (cohort == nullptr) return;
  state_.served.clear();
  for (const auto& [client, participant] : *cohort) {
    state_.served.insert(client);
  }
}

void SynchronousEngine::AbandonAttempt(Refusal told, std::string reason) {
  CancelTasks(told);
  StandBack();
  BecomeAbandoned(Accepted(), std::move(reason));
}

void SynchronousEngine::BecomeAbandoned(int accepted, std::string reason) {
  constexpr int kMostDoublings = 6;  // 64-fold
  Emit(AbandonRound{state_.round, state_.attempt, accepted, reason});
  if (options_.parent) {
    BecomeResting();
    return;
  }
  const int doublings = std::min(state_.attempt - 1, kMostDoublings);
  state_.phase = Abandoned{state_.now + options_.retry_backoff *
                                            (std::int64_t{1} << doublings)};
  if (state_.attempt >= options_.max_attempts) {
    BecomeEnded(
        RunEnd::kFailed,
        absl::StrCat("round ", state_.round, " was abandoned ", state_.attempt,
                     " times, the last time with ", reason));
  }
}

}  // namespace tributary::round
