// SPDX-License-Identifier: Apache-2.0
// The engine of rounds that wait for nobody: whoever checks in begins at once,
// from the latest model, while fewer than `concurrency` train. Updates gather
// in a buffer, and every cohort_size of them are a model (Nguyen et al. 2022,
// FedBuff). An update counts less the staler it is:
//
//   t = models released since the one that it starts from
//   s(t) = (1 + t)^-exponent ;  weight = max(1, round(s(t) max_weight))
//
// `round` is the model that is being made. A task carries the round in which it
// was offered, and a deadline of its own. docs/asynchronous.md tells the rules.
//
// Phases:   Selecting (nobody has come yet) -> Buffering
//           Buffering -> Released -> Buffering ...
//           Released -> Finishing (the last evaluation is out) -> Ended
//           any -> Ended
// Orthogonal to them: the tasks that are out, and the evaluations. While a
// model is made tasks go on being offered, and updates that arrive are kept for
// the next one.
//
// One thread at a time. A step costs O(log n) for most events and O(n log n)
// when a model is released, n being the clients that train.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "coordinator/round/run_engine.h"

namespace tributary::round {

class AsynchronousEngine final : public RunEngine {
 public:
  AsynchronousEngine(const Options& options, const Key& key,
                     const ModelId& first_model);
  AsynchronousEngine(const Options& options, const Key& key, State state);

  [[nodiscard]] std::vector<Effect> Step(const Event& event,
                                         Instant now) override;
  // Clients that may begin now.
  std::size_t Room() const override;
  // How long a task takes in the mean: by then as many places as there are have
  // become free. By Little's law that is concurrency over the updates a second.
  Duration Horizon() const override;

 private:
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
  // There are no secure sessions.
  void Handle(const SecureAnswered&) {}
  void Handle(const SecureStepClosed&) {}
  void Handle(const SecureAbandoned&) {}
  // Nor aggregators.
  void Handle(const TaskGiven&) {}
  void Handle(const TaskOver&) {}

  // The transitions: the only writers of state_.phase.
  void BecomeBuffering();
  void BecomeReleased();

  void ApplyTime();
  std::optional<Instant> NextDeadline() const;

  // Who trains.
  void TrainerChecksIn(const ClientId& client);
  bool IsInBuffer(const ClientId& client) const;
  Duration UntilNextModel() const;
  bool MustRest(const ClientId& client) const;
  void Offer(const ClientId& client);
  void EmitOffer(const ClientId& client, const OpenTask& task);
  void EndTask(const ClientId& client, Refusal answer);
  void CancelTask(const ClientId& client, Refusal reason);
  void CancelTasks(Refusal reason) override;
  void ForgetPastTasks();

  // What counts.
  OpenTask* Admit(const ClientId& client, const TaskToken& token,
                  const Contribution& contribution, Refusal defect);
  void AnswerPast(const ClientId& client, const TaskToken& token,
                  const Contribution& contribution, Refusal defect);
  Refusal WhyUnknown(const ClientId& client, const TaskToken& token) const;
  bool WasAskedBefore(const ClientId& client,
                      const TaskToken& token) const override;
  int Staleness(const OpenTask& task) const {
    return state_.round - task.round;
  }
  void Count(const ClientId& client);
  void CountArrived();

  // Those open tasks whose update has not arrived, by deadline: follows from
  // the state.
  std::set<std::pair<Instant, ClientId>> training_;
};

}  // namespace tributary::round
