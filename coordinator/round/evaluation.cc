// SPDX-License-Identifier: Apache-2.0
// Central evaluation of released models, beside the rounds.
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/round/derivation.h"
#include "coordinator/round/pace.h"
#include "coordinator/round/run_engine.h"

namespace tributary::round {

Task RunEngine::EvaluateTask() const {
  return Task{.kind = TaskKind::kEvaluate,
              .round = state_.evaluation->round,
              .attempt = 1,
              .token = state_.evaluation->token,
              .model = state_.evaluation->model,
              .deadline = state_.evaluation->deadline,
              .seed = {}};
}

void RunEngine::EvaluatorChecksIn(const ClientId& client) {
  // One does the work, a few more stand by.
  constexpr std::size_t kMaxEvaluators = 8;
  if (state_.evaluation && state_.evaluation->evaluator == client) {
    Emit(OfferTask{client, EvaluateTask()});
    return;
  }
  if (state_.evaluators.contains(client)) return;
  if (options_.evaluate_every == 0 ||
      state_.evaluators.size() >= kMaxEvaluators) {
    Emit(PaceWindow(key_, client, state_.now, Horizon()));
    return;
  }
  state_.evaluators.insert(client);
  OfferEvaluation();
}

// One evaluation is out at a time. One that no evaluator has yet gives way to a
// newer model's.
void RunEngine::ScheduleEvaluation(int round, const ModelId& model) {
  const int every = options_.evaluate_every;
  if (every == 0) return;
  if (round % every != 0 && HasNextRound()) return;
  state_.queued_evaluation = QueuedEvaluation{round, model};
  if (!state_.evaluation || !state_.evaluation->evaluator) EvaluationIsOver();
}

void RunEngine::OfferEvaluation() {
  if (!state_.evaluation || state_.evaluation->evaluator) return;
  if (state_.evaluators.empty()) return;
  const ClientId client = *state_.evaluators.begin();
  state_.evaluators.erase(state_.evaluators.begin());
  state_.evaluation->token =
      EvaluateToken(key_, state_.evaluation->round, client);
  state_.evaluation->evaluator = client;
  Emit(OfferTask{client, EvaluateTask()});
}

void RunEngine::EvaluationIsOver() {
  state_.evaluation.reset();
  if (state_.queued_evaluation) {
    state_.evaluation =
        Evaluation{.round = state_.queued_evaluation->round,
                   .model = state_.queued_evaluation->model,
                   .deadline = state_.now + options_.evaluation_deadline,
                   .evaluator = std::nullopt,
                   .token = {}};
    state_.queued_evaluation.reset();
    OfferEvaluation();
  } else if (InPhase<Finishing>() != nullptr) {
    EndAfterLastRound();
  }
}

void RunEngine::Handle(const EvaluationArrived& event) {
  const auto& [client, token, metrics] = event;
  if (!IsEvaluation(client, token)) {
    if (state_.taken_evaluation == TakenEvaluation{client, token}) {
      Emit(AcknowledgeAgain{client, token});
    } else {
      EmitRefusal(client, token, WhyNoEvaluation(client, token));
    }
    return;
  }
  const bool finite = std::all_of(
      metrics.begin(), metrics.end(),
      [](const auto& metric) { return std::isfinite(metric.second); });
  if (!finite) {
    EmitRefusal(client, token, Refusal::kNotFinite);
    EvaluationIsOver();
    return;
  }
  const int round = state_.evaluation->round;
  state_.taken_evaluation = TakenEvaluation{client, token};
  Emit(AcceptEvaluation{client, token, round, metrics});
  if (ReachesTarget(metrics)) {
    state_.evaluation.reset();
    BecomeEnded(
        RunEnd::kFinished,
        absl::StrCat(options_.stop_metric, " is ",
                     metrics.at(options_.stop_metric), " after round ", round,
                     ", the target was ", *options_.stop_target));
    return;
  }
  EvaluationIsOver();
}

void RunEngine::ExpireEvaluations() {
  while (state_.evaluation && state_.evaluation->deadline <= state_.now) {
    if (const auto& evaluator = state_.evaluation->evaluator) {
      Emit(CancelTask{*evaluator, state_.evaluation->token, Refusal::kTooLate});
    }
    EvaluationIsOver();
  }
}

bool RunEngine::IsEvaluation(const ClientId& client,
                             const TaskToken& token) const {
  return state_.evaluation && state_.evaluation->evaluator == client &&
         state_.evaluation->token == token;
}

void RunEngine::RevokeEvaluation(const ClientId& client) {
  if (!state_.evaluation || state_.evaluation->evaluator != client) return;
  Emit(CancelTask{client, state_.evaluation->token, Refusal::kRevoked});
  state_.evaluation->evaluator.reset();
  state_.evaluation->token = TaskToken{};
  OfferEvaluation();
}

Refusal RunEngine::WhyNoEvaluation(const ClientId& client,
                                   const TaskToken& token) const {
  if (std::holds_alternative<Ended>(state_.phase)) return Refusal::kRunEnded;
  if (WasAskedBefore(client, token)) return Refusal::kWrongRole;
  constexpr int kRounds = 16;
  for (int round = state_.round - 1; round > state_.round - 1 - kRounds;
       --round) {
    if (round < 1) break;
    if (EvaluateToken(key_, round, client) == token) return Refusal::kTooLate;
  }
  return Refusal::kUnknownTask;
}

bool RunEngine::ReachesTarget(const Metrics& metrics) const {
  if (!options_.stop_target) return false;
  const auto found = metrics.find(options_.stop_metric);
  if (found == metrics.end()) return false;
  return options_.stop_metric == "loss"
             ? found->second <= *options_.stop_target
             : found->second >= *options_.stop_target;
}

}  // namespace tributary::round
