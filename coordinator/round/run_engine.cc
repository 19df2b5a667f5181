// SPDX-License-Identifier: Apache-2.0
#include "coordinator/round/run_engine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::round {

RunEngine::RunEngine(const Options& options, const Key& key,
                     const ModelId& first_model)
    : options_(options), key_(key) {
  if (options.parent) state_.phase = Resting{};
  state_.model = first_model;
  state_.clip_norm = options.clip_norm;
}

RunEngine::RunEngine(const Options& options, const Key& key, State state)
    : options_(options), key_(key), state_(std::move(state)) {}

void RunEngine::SetTime(Instant now) { state_.now = std::max(state_.now, now); }

bool RunEngine::HasNextRound() const {
  return state_.round <= options_.rounds &&
         (!options_.max_debits || state_.debits < *options_.max_debits);
}

void RunEngine::EndAfterLastRound() {
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

std::vector<Effect> RunEngine::TakeEffects(std::optional<Instant> timer) {
  if (state_.evaluation) {
    const Instant deadline = state_.evaluation->deadline;
    timer = timer ? std::min(*timer, deadline) : deadline;
  }
  if (timer) Emit(WakeAt{*timer});
  return std::exchange(effects_, {});
}

void RunEngine::Emit(Effect effect) { effects_.push_back(std::move(effect)); }

void RunEngine::EmitRefusal(const ClientId& client, const TaskToken& token,
                            Refusal reason) {
  ++state_.refusals[reason];
  Emit(Refuse{client, token, reason});
}

void RunEngine::EmitOverlap(const ClientId& client, const TaskToken& token,
                            LeafSet leaves) {
  ++state_.refusals[Refusal::kOverlap];
  Emit(Refuse{client, token, Refusal::kOverlap, std::move(leaves)});
}

void RunEngine::Handle(const StopRequested&) {
  BecomeEnded(RunEnd::kStopped,
              options_.parent ? "ended with the parent's run, or by an operator"
                              : "stopped by an operator");
}

void RunEngine::BecomeFinishing() { state_.phase = Finishing{}; }

void RunEngine::BecomeEnded(RunEnd end, std::string reason) {
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
  state_.aggregators.clear();
  state_.task_deadline.reset();
  Emit(EndRun{end, reason});
  state_.phase = Ended{end, std::move(reason)};
}

}  // namespace tributary::round
