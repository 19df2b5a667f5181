// SPDX-License-Identifier: Apache-2.0
#include "coordinator/round/synchronous_engine.h"

#include <optional>
#include <variant>

namespace tributary::round {

std::vector<Effect> SynchronousEngine::Step(const Event& event, Instant now) {
  SetTime(now);
  // Before time can close a step of a session that is no more.
  if (std::holds_alternative<Restarted>(event)) LoseSession();
  ApplyTime();
  std::visit([this](const auto& happened) { Handle(happened); }, event);
  // The event may have started something that is due at once, such as a
  // back-off of zero.
  ApplyTime();
  return TakeEffects(PhaseTimer());
}

// Ends: a round opened now has a deadline after now.
void SynchronousEngine::ApplyTime() {
  while (true) {
    const auto due = PhaseTimer();
    if (!due || *due > state_.now) break;
    if (InPhase<Selecting>() != nullptr) {
      Open();
    } else if (InPhase<Collecting>() != nullptr) {
      CloseCollecting("at the deadline");
    } else if (InPhase<Abandoned>() != nullptr) {
      ++state_.attempt;
      GoOn();
    } else {
      CloseStep();
    }
  }
  ExpireEvaluations();
}

void SynchronousEngine::Charge() {
  if (options_.max_debits) ++state_.debits;
}

// To the next round or attempt, if the plan and the budget have one.
void SynchronousEngine::GoOn() {
  if (options_.parent) {
    BecomeResting();
  } else if (HasNextRound()) {
    BecomeSelecting();
  } else if (state_.evaluation) {
    BecomeFinishing();
  } else {
    EndAfterLastRound();
  }
}

std::optional<Instant> SynchronousEngine::PhaseTimer() const {
  if (const auto* selecting = std::get_if<Selecting>(&state_.phase)) {
    return SelectingUntil(*selecting);
  }
  // Nothing is due while a step of a secure session is being closed.
  const auto unless_closing = [](const auto& phase) -> std::optional<Instant> {
    if (phase.is_closing) return std::nullopt;
    return phase.deadline;
  };
  if (const auto* keying = std::get_if<Keying>(&state_.phase)) {
    return unless_closing(*keying);
  }
  if (const auto* collecting = std::get_if<Collecting>(&state_.phase)) {
    return unless_closing(*collecting);
  }
  if (const auto* unmasking = std::get_if<Unmasking>(&state_.phase)) {
    return unless_closing(*unmasking);
  }
  if (const auto* abandoned = std::get_if<Abandoned>(&state_.phase)) {
    return abandoned->until;
  }
  return std::nullopt;
}

void SynchronousEngine::Handle(const CheckIn& event) {
  // The runner turns the clients of an ended run to other runs.
  if (InPhase<Ended>() != nullptr) return;
  if (event.role == Role::kEvaluator) {
    EvaluatorChecksIn(event.client);
  } else if (event.role == Role::kAggregator) {
    AggregatorChecksIn(event.client, event.epoch);
  } else {
    TrainerChecksIn(event.client);
  }
}

void SynchronousEngine::Handle(const Left& event) {
  state_.waiting.erase(event.client);
  state_.aggregators.erase(event.client);
  state_.evaluators.erase(event.client);
  NoteQuorum();
}

void SynchronousEngine::Handle(const Restarted&) {
  state_.waiting.clear();
  state_.aggregators.clear();
  state_.evaluators.clear();
  NoteQuorum();
}

}  // namespace tributary::round
