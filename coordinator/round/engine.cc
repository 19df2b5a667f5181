// SPDX-License-Identifier: Apache-2.0
#include "coordinator/round/engine.h"

#include <algorithm>
#include <utility>

namespace tributary::round {

Engine::Engine(const Options& options, const Key& key,
               const ModelId& first_model)
    : options_(options), key_(key) {
  state_.model = first_model;
}

Engine::Engine(const Options& options, const Key& key, State state)
    : options_(options), key_(key), state_(std::move(state)) {}

std::vector<Effect> Engine::Step(const Event& event, Instant now) {
  state_.now = std::max(state_.now, now);
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
      BecomeCollecting(DrawCohort());
    } else if (InPhase<Collecting>() != nullptr) {
      CloseCollecting("at the deadline");
    } else if (InPhase<Abandoned>() != nullptr) {
      ++state_.attempt;
      BecomeSelecting();
    }
  }
  while (state_.evaluation && state_.evaluation->deadline <= state_.now) {
    if (const auto& evaluator = state_.evaluation->evaluator) {
      Emit(CancelTask{*evaluator, state_.evaluation->token, Refusal::kTooLate});
    }
    EvaluationIsOver();
  }
}

std::optional<Instant> Engine::PhaseTimer() const {
  if (const auto* selecting = std::get_if<Selecting>(&state_.phase)) {
    if (!selecting->quorum_since) return std::nullopt;
    return *selecting->quorum_since + options_.selection_timeout;
  }
  if (const auto* collecting = std::get_if<Collecting>(&state_.phase)) {
    return collecting->deadline;
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

void Engine::Handle(const ClientRevoked& event) {
  const ClientId& client = event.client;
  state_.waiting.erase(client);
  state_.evaluators.erase(client);
  NoteQuorum();
  if (Cohort* cohort = CurrentCohort()) {
    const auto found = cohort->find(client);
    if (found != cohort->end() &&
        found->second.state == Participation::kAsked) {
      if (InPhase<Collecting>() != nullptr) {
        Emit(CancelTask{client, found->second.token, Refusal::kRevoked});
      }
      Drop(found->second, Participation::kFailed, Refusal::kRevoked);
      CloseIfSettled();
    }
  }
  if (state_.evaluation && state_.evaluation->evaluator == client) {
    Emit(CancelTask{client, state_.evaluation->token, Refusal::kRevoked});
    state_.evaluation->evaluator.reset();
    state_.evaluation->token = TaskToken{};
    OfferEvaluation();
  }
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
  if (const auto* collecting = InPhase<Collecting>()) {
    for (const auto& [client, participant] : collecting->cohort) {
      if (participant.state != Participation::kAsked) continue;
      Emit(CancelTask{client, participant.token, Refusal::kRunEnded});
    }
  }
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
