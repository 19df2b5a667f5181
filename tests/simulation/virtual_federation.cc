// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/virtual_federation.h"

#include <cmath>
#include <stdexcept>
#include <utility>

#include "proto/codec/safetensors.h"
#include "proto/codec/strategy.h"
#include "proto/codec/yaml.h"
#include "simulation/partition.h"

namespace tributary::simulation {
namespace {

// Moves every weight by a step of the client's own that depends on the task.
class Stepper final : public Trainer {
 public:
  Stepper(std::size_t client, std::size_t examples,
          const FederationPlan& federation)
      : client_(static_cast<int>(client)),
        examples_(examples),
        federation_(federation) {}

  absl::StatusOr<TrainResult> Train(const TrainTask& task, const Model&,
                                    std::span<float> delta,
                                    const TaskContext&) override {
    federation_.on_training(client_);
    if (federation_.fails(client_)) {
      return absl::InternalError("out of battery");
    }
    KeyedStream random(task.seed, "step");
    for (float& value : delta) {
      value = static_cast<float>(random.Uniform() / (client_ + 1));
    }
    if (federation_.diverges(client_)) delta.back() = std::nanf("");
    return TrainResult{.examples = static_cast<std::uint32_t>(examples_),
                       .loss = 1.0 / task.round,
                       .steps = 10};
  }

  // A block for each weight, so that what begins well may end badly.
  absl::StatusOr<TrainResult> TrainInto(const TrainTask& task,
                                        const Model& model,
                                        const DeltaSink& sink,
                                        const TaskContext& context) override {
    std::vector<float> delta(model.manifest.Length());
    const auto result = Train(task, model, delta, context);
    for (std::size_t i = 0; i < delta.size() && result.ok(); ++i) {
      sink({.result = *result,
            .offset = i,
            .values = std::span(delta).subspan(i, 1)});
    }
    return result;
  }

  absl::StatusOr<EvaluateResult> Evaluate(const TrainTask&, const Model& model,
                                          const TaskContext&) override {
    EvaluateResult result;
    result.examples = examples_;
    result.metrics["first_weight"] = model.weights.front();
    return result;
  }

 private:
  const int client_;
  const std::size_t examples_;
  const FederationPlan& federation_;
};

class Steppers final : public Participants {
 public:
  explicit Steppers(const FederationPlan& federation)
      : federation_(federation) {}

  std::size_t clients() const override { return federation_.clients; }
  std::size_t Examples(std::size_t client) const override {
    return federation_.examples(static_cast<int>(client));
  }
  std::unique_ptr<Trainer> MakeTrainer(std::size_t client) const override {
    return std::make_unique<Stepper>(client, Examples(client), federation_);
  }
  std::size_t TestExamples() const override {
    return federation_.test_examples;
  }
  std::unique_ptr<Trainer> MakeEvaluator() const override {
    return std::make_unique<Stepper>(0, TestExamples(), federation_);
  }

 private:
  const FederationPlan federation_;
};

v1::Plan MakePlan(const FederationPlan& federation) {
  v1::Plan plan;
  plan.set_name("virtual");
  plan.set_population("virtual");
  plan.set_seed(federation.seed);
  auto* architecture = plan.mutable_model()->mutable_architecture();
  architecture->mutable_linear()->set_inputs(3);
  architecture->mutable_linear()->set_outputs(1);
  auto* round = plan.mutable_round();
  round->set_cohort_size(federation.cohort_size);
  round->set_over_selection(federation.over_selection);
  round->set_min_updates(federation.min_updates);
  round->mutable_deadline()->set_seconds(federation.deadline_seconds);
  round->mutable_selection_timeout()->set_seconds(2);
  round->mutable_retry_backoff()->set_seconds(1);
  round->set_max_attempts(2);
  plan.mutable_training()->set_epochs(1);
  plan.mutable_training()->set_batch_size(10);
  plan.mutable_training()->set_learning_rate(0.1);
  plan.mutable_update()->set_max_abs(1);
  plan.mutable_update()->set_max_weight(1000);
  plan.mutable_evaluation()->set_every_rounds(1);
  plan.mutable_stop()->set_rounds(federation.rounds);
  const absl::Status read =
      codec::ParseYaml("clients: 1\ntrain: {}\n" + federation.simulation,
                       "simulation", *plan.mutable_simulation());
  if (!read.ok()) throw std::invalid_argument(read.ToString());
  federation.change(plan);
  return codec::WithDefaults(plan);
}

FirstModel MakeFirstModel(const v1::Plan& plan) {
  auto model = std::make_shared<Model>();
  model->manifest = Manifest(
      {{.name = "weight", .shape = {1, 3}}, {.name = "bias", .shape = {1}}});
  model->weights = {0, 0, 0, 0};
  FirstModel first;
  const Manifest all = codec::WithAuxiliary(model->manifest, plan.strategy());
  first.header = codec::FormatSafetensorsHeader(all, {});
  model->auxiliary.resize(all.Length() - all.ModelLength());
  model->id = ModelDigest(first.header, *model);
  first.model = std::move(model);
  return first;
}

}  // namespace

std::function<void(v1::Plan&)> Asynchronously(int cohort_size,
                                              int concurrency) {
  return [=](v1::Plan& plan) {
    const auto deadline = plan.round().deadline();
    plan.clear_round();
    plan.mutable_round()->set_cohort_size(cohort_size);
    *plan.mutable_round()->mutable_deadline() = deadline;
    plan.mutable_asynchronous()->set_concurrency(concurrency);
  };
}

absl::Status StopAt::Save(const Simulation& simulation) {
  saved.emplace();
  saved->events = simulation.events();
  saved->engine = simulation.state();
  saved->journal = simulation.journal().contents();
  for (const auto& model : simulation.models()) {
    saved->models.push_back({model->id, model->weights, model->auxiliary});
  }
  saved->optimizer_state = simulation.optimizer_state();
  saved->states = simulation.client_states();
  saved->unconfirmed = simulation.unconfirmed_states();
  return absl::OkStatus();
}

VirtualFederation::VirtualFederation(const FederationPlan& federation) {
  SimulationInputs inputs;
  inputs.plan = MakePlan(federation);
  inputs.run_key = KeyFromSeed(federation.seed);
  inputs.first = MakeFirstModel(inputs.plan);
  inputs.workers = federation.workers;
  inputs.ranks = federation.ranks;
  inputs.participants = std::make_shared<const Steppers>(federation);
  auto made = Simulation::Create(std::move(inputs), record);
  created = made.status();
  if (made.ok()) simulation = *std::move(made);
}

absl::StatusOr<round::EndRun> VirtualFederation::Run() {
  if (!created.ok()) return created;
  return simulation->Run();
}

namespace {

void Require(const absl::Status& status) {
  if (!status.ok()) throw std::logic_error(status.ToString());
}

}  // namespace

std::optional<Checkpoint> StopTheRun(const FederationPlan& plan, int time,
                                     std::optional<Checkpoint> from) {
  VirtualFederation federation(plan);
  Require(federation.created);
  if (from) Require(federation.simulation->Resume(*std::move(from)));
  StopAt stop(time);
  const auto end = federation.simulation->Run(stop);
  Require(end.status());
  if ((end->end == round::RunEnd::kStopped) != stop.saved.has_value()) {
    throw std::logic_error(
        "a run that stopped saved nothing, or one that ended "
        "did");
  }
  return std::move(stop.saved);
}

std::unique_ptr<VirtualFederation> Interrupted(const FederationPlan& plan,
                                               int time) {
  auto saved = StopTheRun(plan, time);
  if (!saved) throw std::logic_error("the run ended before it was stopped");
  auto federation = std::make_unique<VirtualFederation>(plan);
  Require(federation->created);
  Require(federation->simulation->Resume(*std::move(saved)));
  Require(federation->Run().status());
  return federation;
}

}  // namespace tributary::simulation
