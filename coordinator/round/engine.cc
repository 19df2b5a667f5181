// SPDX-License-Identifier: Apache-2.0
#include "coordinator/round/engine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::round {

Engine::Engine(const Options& options, const Key& key,
               const ModelId& first_model)
    : options_(options), key_(key) {
  state_.model = first_model;
  state_.clip_norm = options.clip_norm;
}

Engine::Engine(const Options& options, const Key& key, State state)
    : options_(options), key_(key), state_(std::move(state)) {}

std::vector<Effect> Engine::Step(const Event& event, Instant now) {
  state_.now = std::max(state_.now, now);
  // Before time can close a step of a session that is no more.
  if (std::holds_alternative<Restarted>(event)) LoseSession();
  ApplyTime();
  std::visit([this](const auto& happened) { Handle(happened); }, event);
  // The event may have started something that is due at once, such as a
  // back-off of zero.
  ApplyTime();
  if (const auto next = NextTimer()) Emit(WakeAt{*next});
  return std::exchange(effects_, {});
}

// Ends: a round opened now has a deadline after now.
void Engine::ApplyTime() {
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
  while (state_.evaluation && state_.evaluation->deadline <= state_.now) {
    if (const auto& evaluator = state_.evaluation->evaluator) {
      Emit(CancelTask{*evaluator, state_.evaluation->token, Refusal::kTooLate});
    }
    EvaluationIsOver();
  }
}

bool Engine::HasNextRound() const {
  return state_.round <= options_.rounds &&
         (!options_.max_debits || state_.debits < *options_.max_debits);
}

void Engine::Charge() {
  if (options_.max_debits) ++state_.debits;
}

// To the next round or attempt, if the plan and the budget have one.
void Engine::GoOn() {
  if (HasNextRound()) {
    BecomeSelecting();
  } else if (state_.evaluation) {
    BecomeFinishing();
  } else {
    EndAfterLastRound();
  }
}

void Engine::EndAfterLastRound() {
  if (state_.round > options_.rounds) {
    BecomeEnded(RunEnd::kFinished,
                absl::StrCat("all ", options_.rounds, " rounds are released"));
  } else {
    BecomeEnded(RunEnd::kFailed,
                absl::StrCat("the privacy budget is spent: it was charged ",
                             state_.debits, " times, ", state_.round - 1,
                             " of ", options_.rounds, " rounds are released"));
  }
}

std::optional<Instant> Engine::PhaseTimer() const {
  if (const auto* selecting = std::get_if<Selecting>(&state_.phase)) {
    if (!selecting->quorum_since) return std::nullopt;
    return *selecting->quorum_since + options_.selection_timeout;
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

std::optional<Instant> Engine::NextTimer() const {
  auto next = PhaseTimer();
  if (state_.evaluation) {
    const Instant deadline = state_.evaluation->deadline;
    next = next ? std::min(*next, deadline) : deadline;
  }
  return next;
}

void Engine::Emit(Effect effect) { effects_.push_back(std::move(effect)); }

void Engine::EmitRefusal(const ClientId& client, const TaskToken& token,
                         Refusal reason) {
  ++state_.refusals[reason];
  Emit(Refuse{client, token, reason});
}

void Engine::Handle(const CheckIn& event) {
  // The runner turns the clients of an ended run to other runs.
  if (InPhase<Ended>() != nullptr) return;
  if (event.role == Role::kEvaluator) {
    EvaluatorChecksIn(event.client);
  } else {
    TrainerChecksIn(event.client);
  }
}

void Engine::Handle(const Left& event) {
  state_.waiting.erase(event.client);
  state_.evaluators.erase(event.client);
  NoteQuorum();
}

void Engine::Handle(const Restarted&) {
  state_.waiting.clear();
  state_.evaluators.clear();
  NoteQuorum();
}

void Engine::Handle(const StopRequested&) {
  BecomeEnded(RunEnd::kStopped, "stopped by an operator");
}

void Engine::BecomeFinishing() { state_.phase = Finishing{}; }

void Engine::BecomeEnded(RunEnd end, std::string reason) {
  if (InPhase<Ended>() != nullptr) return;
  CancelTasks(Refusal::kRunEnded);
  if (state_.evaluation && state_.evaluation->evaluator) {
    Emit(CancelTask{*state_.evaluation->evaluator, state_.evaluation->token,
                    Refusal::kRunEnded});
  }
  state_.evaluation.reset();
  state_.queued_evaluation.reset();
  state_.waiting.clear();
  state_.evaluators.clear();
  Emit(EndRun{end, reason});
  state_.phase = Ended{end, std::move(reason)};
}

}  // namespace tributary::round
