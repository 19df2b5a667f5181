// SPDX-License-Identifier: Apache-2.0
#include "client/core/personal.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "proto/codec/strategy.h"

namespace tributary {
namespace {

// Of the second training of a task: other shuffles than the first's.
Key SeedOf(const TrainTask& task, std::string_view label) {
  Key seed;
  KeyedStream(task.seed, label).Fill(seed);
  return seed;
}

std::vector<float> Gather(std::span<const float> values,
                          std::span<const FlatRange> ranges) {
  std::vector<float> gathered;
  for (const FlatRange& range : ranges) {
    gathered.insert(gathered.end(), values.begin() + range.begin,
                    values.begin() + range.end);
  }
  return gathered;
}

void Scatter(std::span<const float> gathered, std::span<const FlatRange> ranges,
             std::span<float> values) {
  for (const FlatRange& range : ranges) {
    const std::size_t count = range.end - range.begin;
    std::copy_n(gathered.begin(), count, values.begin() + range.begin);
    gathered = gathered.subspan(count);
  }
}

// What of [0, length) the ranges leave.
std::vector<FlatRange> Others(std::span<const FlatRange> ranges,
                              std::size_t length) {
  std::vector<FlatRange> others;
  std::size_t at = 0;
  for (const FlatRange& range : ranges) {
    if (at < range.begin) others.push_back({at, range.begin});
    at = range.end;
  }
  if (at < length) others.push_back({at, length});
  return others;
}

void Add(std::span<const float> delta, std::span<float> weights) {
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] += delta[i];
}

}  // namespace

absl::StatusOr<std::vector<FlatRange>> PersonalPlaces(
    const v1::StrategyPlan& plan, const Manifest& manifest) {
  if (plan.has_ditto()) return std::vector<FlatRange>{{0, manifest.Length()}};
  return codec::LocalRanges(plan, manifest);
}

bool IsPersonal(const ClientState& state) {
  std::size_t length = 0;
  for (const FlatRange& place : state.places) {
    if (place.begin > place.end) return false;
    length += place.end - place.begin;
  }
  return length > 0 && length == state.local.size();
}

Model WithPersonalValues(Model model, const ClientState& state) {
  if (!IsPersonal(state)) return model;
  for (const FlatRange& place : state.places) {
    if (place.end > model.weights.size()) return model;
  }
  Scatter(state.local, state.places, model.weights);
  model.id = {};  // which named other weights
  return model;
}

absl::StatusOr<StrategyOutcome> TrainLocalTensors(
    const v1::StrategyPlan& plan, const TrainTask& task, const Model& model,
    Trainer& trainer, const ClientState& state, const TaskContext& context) {
  const auto local = codec::LocalRanges(plan, model.manifest);
  if (!local.ok()) return local.status();
  Model own = WithPersonalValues(model, state);

  TrainTask shared = task;
  if (plan.has_fedrep()) {
    TrainTask head = task;
    head.seed = SeedOf(task, "head");
    head.training.epochs = static_cast<int>(plan.fedrep().head_epochs());
    head.training.steps.reset();
    head.frozen = Others(*local, model.manifest.Length());
    auto trained = TrainOnce(head, own, trainer, context);
    if (!trained.ok()) return trained.status();
    // Statistics of the others, such as BatchNorm's, come from the next pass.
    const std::vector<float> moved = Gather(trained->update, *local);
    std::vector<float> values = Gather(own.weights, *local);
    Add(moved, values);
    Scatter(values, *local, own.weights);
    shared.frozen = *local;
  }
  auto outcome = TrainOnce(shared, own, trainer, context);
  if (!outcome.ok()) return outcome.status();
  Add(outcome->update, own.weights);
  outcome->local = Gather(own.weights, *local);
  outcome->places = *local;
  for (const FlatRange& range : *local) {
    std::fill(outcome->update.begin() + range.begin,
              outcome->update.begin() + range.end, 0.0f);
  }
  return outcome;
}

absl::StatusOr<StrategyOutcome> TrainDitto(const v1::StrategyPlan::Ditto& plan,
                                           const TrainTask& task,
                                           const Model& model, Trainer& trainer,
                                           const ClientState& state,
                                           const TaskContext& context) {
  auto outcome = TrainOnce(task, model, trainer, context);
  if (!outcome.ok()) return outcome.status();

  Model own = WithPersonalValues(model, state);
  // lambda (v_k - x) = lambda (v_k - v_0) + lambda (v_0 - x): a proximal term
  // around where training starts, and a constant.
  std::vector<float> correction(model.manifest.TrainableLength());
  for (std::size_t i = 0; i < correction.size(); ++i) {
    correction[i] = static_cast<float>(
        plan.lambda() * (double{own.weights[i]} - model.weights[i]));
  }
  TrainTask personal = task;
  personal.seed = SeedOf(task, "ditto");
  personal.training.proximal_mu = plan.lambda();
  personal.correction = correction;
  const auto trained = TrainOnce(personal, own, trainer, context);
  if (!trained.ok()) return trained.status();
  Add(trained->update, own.weights);

  outcome->local = std::move(own.weights);
  outcome->places = {{0, outcome->local.size()}};
  return outcome;
}

}  // namespace tributary
