// SPDX-License-Identifier: Apache-2.0
// What the engines of a run have in common, whatever its rounds are: what they
// know, the evaluations beside the rounds, and the end. How rounds go is the
// derived engine's.
//
// One thread at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "coordinator/round/effect.h"
#include "coordinator/round/event.h"
#include "coordinator/round/options.h"
#include "coordinator/round/state.h"
#include "coordinator/round/types.h"

namespace tributary::round {

class RunEngine {
 public:
  RunEngine(const Options& options, const Key& key, const ModelId& first_model);
  RunEngine(const Options& options, const Key& key, State state);
  virtual ~RunEngine() = default;

  // As Engine says (coordinator/round/engine.h).
  [[nodiscard]] virtual std::vector<Effect> Step(const Event& event,
                                                 Instant now) = 0;
  const State& state() const { return state_; }
  const Options& options() const { return options_; }
  virtual std::size_t Room() const = 0;
  virtual Duration Horizon() const = 0;

 protected:
  RunEngine(const RunEngine&) = default;
  RunEngine(RunEngine&&) = default;
  RunEngine& operator=(const RunEngine&) = default;
  RunEngine& operator=(RunEngine&&) = default;

  void Handle(const EvaluationArrived& event);
  void Handle(const StopRequested& event);

  void BecomeFinishing();
  void BecomeEnded(RunEnd end, std::string reason);

  // run_engine.cc
  void SetTime(Instant now);
  bool HasNextRound() const;
  void EndAfterLastRound();
  void Emit(Effect effect);
  void EmitRefusal(const ClientId& client, const TaskToken& token,
                   Refusal reason);
  void EmitOverlap(const ClientId& client, const TaskToken& token,
                   LeafSet leaves);
  // What this step gave: its effects, and the wake-up for whatever is due next,
  // `timer` of the rounds.
  std::vector<Effect> TakeEffects(std::optional<Instant> timer);
  template <typename P>
  P* InPhase() {
    return std::get_if<P>(&state_.phase);
  }
  template <typename P>
  const P* InPhase() const {
    return std::get_if<P>(&state_.phase);
  }

  // Whoever still trains hears that its task is over.
  virtual void CancelTasks(Refusal reason) = 0;
  // Whether this token was given to this client for training, lately.
  virtual bool WasAskedBefore(const ClientId& client,
                              const TaskToken& token) const = 0;

  // evaluation.cc
  void EvaluatorChecksIn(const ClientId& client);
  void ScheduleEvaluation(int round, const ModelId& model);
  void ExpireEvaluations();
  void EvaluationIsOver();
  void RevokeEvaluation(const ClientId& client);
  bool IsEvaluation(const ClientId& client, const TaskToken& token) const;

  Options options_;
  Key key_;
  State state_;

 private:
  void OfferEvaluation();
  Refusal WhyNoEvaluation(const ClientId& client, const TaskToken& token) const;
  bool ReachesTarget(const Metrics& metrics) const;
  Task EvaluateTask() const;

  std::vector<Effect> effects_;  // of the step being made
};

}  // namespace tributary::round
