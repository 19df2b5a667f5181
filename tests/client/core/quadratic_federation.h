// SPDX-License-Identifier: Apache-2.0
// A federation in a few lines: clients whose loss is h/2 |x - e|^2, so that all
// of a strategy can be computed by hand, and the client's and the server's side
// of it as they are in production: TrainUpdate, ExactSum, Release.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "aggregation/exact_sum.h"
#include "aggregation/release.h"
#include "client/core/update.h"
#include "proto/codec/plan.h"
#include "proto/codec/strategy.h"
#include "proto/codec/yaml.h"

#include "tests/catch.h"

namespace tributary::testing {

// Gradient descent on h/2 |x - e|^2, as many steps as the task or the client
// says, each over all parameters.
struct QuadraticClient final : public Trainer {
  std::vector<float> minimum;  // e
  double curvature = 1;        // h
  std::uint32_t examples = 1;
  int steps = 1;  // an epoch
  ClientState state = {};

  absl::StatusOr<TrainResult> Train(const TrainTask& task, const Model& model,
                                    std::span<float> delta,
                                    const TaskContext&) override {
    std::vector<double> x(model.weights.begin(), model.weights.end());
    const int count =
        task.training.steps.value_or(steps * task.training.epochs.value_or(0));
    for (int step = 0; step < count; ++step) {
      for (std::size_t i = 0; i < x.size(); ++i) {
        double gradient = curvature * (x[i] - minimum[i]) +
                          task.training.proximal_mu * (x[i] - model.weights[i]);
        if (!task.correction.empty()) gradient += task.correction[i];
        for (const FlatRange& frozen : task.frozen) {
          if (i >= frozen.begin && i < frozen.end) gradient = 0;
        }
        x[i] -= task.training.learning_rate * gradient;
      }
    }
    for (std::size_t i = 0; i < x.size(); ++i) {
      delta[i] = static_cast<float>(x[i] - model.weights[i]);
    }
    TrainResult result{.examples = examples, .loss = LossAt(x)};
    result.steps = static_cast<std::uint64_t>(count);
    if (task.wants_initial_loss) {
      result.initial_loss =
          LossAt({model.weights.begin(), model.weights.end()});
    }
    return result;
  }

  double LossAt(const std::vector<double>& x) const {
    double loss = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      loss += curvature / 2 * (x[i] - minimum[i]) * (x[i] - minimum[i]);
    }
    return loss;
  }
};

class QuadraticFederation {
 public:
  // `strategy` is YAML, e.g. "{fednova: {}}"; empty for none. Two parameters,
  // "body" and "head".
  explicit QuadraticFederation(const std::string& strategy,
                               double learning_rate = 0.125) {
    plan_.mutable_round()->set_cohort_size(1);
    plan_.mutable_training()->set_epochs(1);
    plan_.mutable_training()->set_batch_size(1);
    plan_.mutable_training()->set_learning_rate(learning_rate);
    plan_.mutable_update()->set_max_abs(64);
    plan_.mutable_update()->set_max_weight(16);
    if (!strategy.empty()) {
      REQUIRE(codec::ParseYaml(strategy, "p", *plan_.mutable_strategy()).ok());
    }
    plan_ = codec::WithDefaults(plan_);
    model.manifest = Manifest(
        {{.name = "body", .shape = {1}}, {.name = "head", .shape = {1}}});
    model.weights = {0, 0};
    const Manifest file =
        codec::WithAuxiliary(model.manifest, plan_.strategy());
    model.auxiliary.resize(file.Length() - file.ModelLength());
  }

  v1::Task Task() const {
    v1::Task task;
    task.set_kind(v1::Task::TRAIN);
    task.set_task_token(std::string(16, 't'));
    task.set_model(std::string(32, 'm'));
    task.set_seed(std::string(32, 's'));
    *task.mutable_training() = plan_.training();
    *task.mutable_update() = plan_.update();
    if (plan_.has_strategy()) *task.mutable_strategy() = plan_.strategy();
    return task;
  }

  // The update of one client, which becomes part of its state.
  std::vector<float> UpdateOf(QuadraticClient& client) const {
    SystemRandom random;
    auto prepared =
        TrainUpdate(Task(), model, client, client.state, random, TaskContext());
    INFO(prepared.status().ToString());
    REQUIRE(prepared.ok());
    client.state = std::move(prepared->state);
    std::vector<float> update(prepared->bytes->size() / sizeof(float));
    std::memcpy(update.data(), prepared->bytes->data(),
                prepared->bytes->size());
    return update;
  }

  // Everybody takes part.
  void Round(std::vector<QuadraticClient>& clients) {
    const aggregation::Layout layout =
        codec::ToLayout(plan_.update(), model.manifest, plan_.strategy())
            .value();
    const auto optimizer = codec::ToOptimizer(plan_.server_optimizer());
    const auto strategy = codec::ToStrategy(plan_);
    state_.resize(
        static_cast<std::size_t>(aggregation::StateVectors(optimizer) +
                                 aggregation::StateVectors(strategy)),
        std::vector<float>(layout.trainable));
    aggregation::ExactSum sum(layout);
    for (QuadraticClient& client : clients) {
      const std::vector<float> update = UpdateOf(client);
      REQUIRE(update.size() == layout.length);
      REQUIRE(aggregation::CheckBlock(layout, 0, update) ==
              aggregation::BlockDefect::kNone);
      sum.AddBlock(0, update, client.examples);
      sum.AddContribution(client.examples);
    }
    const aggregation::Release release(std::move(sum), optimizer, strategy);
    const std::vector<std::span<float>> state(state_.begin(), state_.end());
    release.Block(0, model.weights, state);
    release.Block(layout.model(), model.auxiliary, state);
  }

  void Rounds(int count, std::vector<QuadraticClient>& clients) {
    for (int round = 0; round < count; ++round) Round(clients);
  }

  Model model;

 private:
  v1::Plan plan_;
  std::vector<std::vector<float>> state_;
};

}  // namespace tributary::testing
