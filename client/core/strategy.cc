// SPDX-License-Identifier: Apache-2.0
#include "client/core/strategy.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/core/personal.h"
#include "proto/codec/plan.h"
#include "proto/codec/strategy.h"

namespace tributary {
namespace {

absl::Status NotSaid(const char* strategy, const char* what) {
  return absl::InvalidArgumentError(
      absl::StrCat("strategy.", strategy, ": the trainer does not say ", what));
}
absl::Status NoSteps(const char* strategy) {
  return NotSaid(strategy, "how many steps it took (TrainResult.steps)");
}

// |a|_1, for SGD with momentum and a proximal pull mu: the way that K gradients
// of 1 make, since every a_k is positive.
//
//   b <- momentum b + 1 + mu x ;  x <- x - eta b ;  |a|_1 = -x / eta
double StepWeight(const TrainingOptions& training, std::uint64_t steps) {
  const double eta = training.learning_rate;
  double x = 0;
  double b = 0;
  for (std::uint64_t step = 0; step < steps; ++step) {
    b = training.momentum * b + 1 + training.proximal_mu * x;
    x -= eta * b;
  }
  return -x / eta;
}

absl::StatusOr<StrategyOutcome> FedNova(const v1::StrategyPlan::FedNova& plan,
                                        const TrainTask& task,
                                        const Model& model, Trainer& trainer,
                                        const TaskContext& context) {
  auto outcome = TrainOnce(task, model, trainer, context);
  if (!outcome.ok()) return outcome.status();
  const std::uint64_t steps = outcome->result.steps;
  if (steps == 0) return NoSteps("fednova");
  const double tau = StepWeight(task.training, steps);
  if (!(tau > 0 && tau <= plan.max_steps())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "strategy.fednova.max_steps: ", steps, " steps, which count as ", tau,
        ", exceed ", plan.max_steps()));
  }
  const std::size_t trainable = model.manifest.TrainableLength();
  for (std::size_t i = 0; i < trainable; ++i) {
    outcome->update[i] = static_cast<float>(outcome->update[i] / tau);
  }
  outcome->update.push_back(static_cast<float>(tau));
  return outcome;
}

absl::StatusOr<StrategyOutcome> Scaffold(TrainTask task, const Model& model,
                                         Trainer& trainer,
                                         const ClientState& state,
                                         const TaskContext& context) {
  const std::vector<float>& c = model.auxiliary;
  const std::size_t trainable = model.manifest.TrainableLength();
  if (c.size() != trainable) {
    return absl::InvalidArgumentError(
        "strategy.scaffold: the model comes without its control variate");
  }
  std::vector<float> correction = c;
  for (std::size_t i = 0; i < state.control.size(); ++i) {
    correction[i] -= state.control[i];
  }
  task.correction = correction;
  auto outcome = TrainOnce(task, model, trainer, context);
  if (!outcome.ok()) return outcome.status();
  if (outcome->result.steps == 0) return NoSteps("scaffold");
  const double way =
      static_cast<double>(outcome->result.steps) * task.training.learning_rate;
  for (std::size_t i = 0; i < trainable; ++i) {
    outcome->update.push_back(
        static_cast<float>(-c[i] - outcome->update[i] / way));
  }
  return outcome;
}

absl::StatusOr<StrategyOutcome> FedDyn(const v1::StrategyPlan::FedDyn& plan,
                                       TrainTask task, const Model& model,
                                       Trainer& trainer,
                                       const ClientState& state,
                                       const TaskContext& context) {
  std::vector<float> correction = state.control;
  for (float& value : correction) value = -value;
  task.correction = correction;
  task.training.proximal_mu = plan.alpha();
  return TrainOnce(task, model, trainer, context);
}

absl::StatusOr<StrategyOutcome> QFedAvg(const v1::StrategyPlan::QFedAvg& plan,
                                        TrainTask task, const Model& model,
                                        Trainer& trainer,
                                        const TaskContext& context) {
  // As in the authors' code: no power of zero.
  constexpr double kSmallestLoss = 1e-10;
  task.wants_initial_loss = true;
  auto outcome = TrainOnce(task, model, trainer, context);
  if (!outcome.ok()) return outcome.status();
  const std::optional<double> loss = outcome->result.initial_loss;
  if (!loss) {
    return NotSaid("qfedavg",
                   "the loss it started from (TrainResult.initial_loss)");
  }
  if (!std::isfinite(*loss)) {
    return absl::InvalidArgumentError(
        "strategy.qfedavg: the loss that training started from is not finite");
  }
  const std::span<float> delta =
      std::span(outcome->update).first(model.manifest.TrainableLength());
  double square = 0;
  for (const float value : delta) square += double{value} * value;
  const double f =
      std::clamp(*loss, kSmallestLoss, plan.max_loss()) / plan.max_loss();
  double factor = std::pow(f, plan.q());
  double normaliser = factor + plan.q() * factor / f * plan.lipschitz() *
                                   square / plan.max_loss();
  if (normaliser > plan.max_normaliser()) {
    factor *= plan.max_normaliser() / normaliser;
    normaliser = plan.max_normaliser();
  }
  for (float& value : delta) value = static_cast<float>(factor * value);
  outcome->update.push_back(static_cast<float>(normaliser));
  return outcome;
}

}  // namespace

absl::StatusOr<StrategyOutcome> TrainOnce(const TrainTask& task,
                                          const Model& model, Trainer& trainer,
                                          const TaskContext& context) {
  StrategyOutcome outcome;
  outcome.update.resize(model.manifest.Length());
  auto result = trainer.Train(task, model, outcome.update, context);
  if (!result.ok()) return result.status();
  outcome.result = *result;
  return outcome;
}

absl::StatusOr<StrategyOutcome> RunStrategy(
    const v1::Task& wire, const TrainTask& task, const Model& model,
    Trainer& trainer, const ClientState& state, const TaskContext& context) {
  const v1::StrategyPlan& strategy = wire.strategy();
  switch (strategy.kind_case()) {
    case v1::StrategyPlan::kFednova:
      return FedNova(strategy.fednova(), task, model, trainer, context);
    case v1::StrategyPlan::kScaffold:
      return Scaffold(task, model, trainer, state, context);
    case v1::StrategyPlan::kFeddyn:
      return FedDyn(strategy.feddyn(), task, model, trainer, state, context);
    case v1::StrategyPlan::kQfedavg:
      return QFedAvg(strategy.qfedavg(), task, model, trainer, context);
    case v1::StrategyPlan::kFedper:
    case v1::StrategyPlan::kFedrep:
      return TrainLocalTensors(strategy, task, model, trainer, state, context);
    case v1::StrategyPlan::kDitto:
      return TrainDitto(strategy.ditto(), task, model, trainer, state, context);
    case v1::StrategyPlan::KIND_NOT_SET:
      break;
  }
  return TrainOnce(task, model, trainer, context);
}

std::vector<float> NextControl(const v1::Task& wire, const Manifest& manifest,
                               std::span<const float> update,
                               std::vector<float> control) {
  const v1::StrategyPlan& strategy = wire.strategy();
  if (!strategy.has_scaffold() && !strategy.has_feddyn()) return {};
  const std::size_t trainable = manifest.TrainableLength();
  control.resize(trainable);
  if (strategy.has_scaffold()) {
    const std::span<const float> change = update.subspan(manifest.Length());
    for (std::size_t i = 0; i < trainable; ++i) control[i] += change[i];
  } else {
    const double alpha = strategy.feddyn().alpha();
    for (std::size_t i = 0; i < trainable; ++i) {
      control[i] = static_cast<float>(control[i] - alpha * update[i]);
    }
  }
  return control;
}

ClientState Fitting(const v1::Task& wire, const Model& model,
                    const ClientState& state) {
  const auto layout =
      codec::ToLayout(wire.update(), model.manifest, wire.strategy());
  const auto places = PersonalPlaces(wire.strategy(), model.manifest);
  if (!layout.ok() || !places.ok()) return {};
  ClientState fitting = state;
  const auto fit = [](std::vector<float>& vector, std::size_t length) {
    if (vector.size() != length) vector.clear();
  };
  fit(fitting.residual, layout->length);
  fit(fitting.control, model.manifest.TrainableLength());
  fit(fitting.momentum, model.manifest.TrainableLength());
  if (state.places != *places || !IsPersonal(state)) {
    fitting.local.clear();
    fitting.places.clear();
  }
  return fitting;
}

}  // namespace tributary
