// SPDX-License-Identifier: Apache-2.0
#include "simulation/population.h"

#include <cstdint>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/torch/subset_trainer.h"
#include "simulation/datasets/examples.h"
#include "simulation/hold_out.h"

namespace tributary::simulation {
namespace {

// An adversary whose update is made of others' at the release, or of nothing
// but noise. The loss that it declares is a lie like any other.
class Idler final : public Trainer {
 public:
  explicit Idler(std::size_t examples) : examples_(examples) {}

  absl::StatusOr<TrainResult> Train(const TrainTask&, const Model&,
                                    std::span<float>,
                                    const TaskContext&) override {
    return TrainResult{.examples = static_cast<std::uint32_t>(examples_),
                       .loss = 0,
                       .steps = 1,
                       .initial_loss = 0};
  }

 private:
  const std::size_t examples_;
};

// Judges a model as others do, and how far a backdoor is in it.
class BackdoorJudge final : public Trainer {
 public:
  BackdoorJudge(std::unique_ptr<Trainer> plain,
                std::unique_ptr<Trainer> triggered)
      : plain_(std::move(plain)), triggered_(std::move(triggered)) {}

  absl::StatusOr<TrainResult> Train(const TrainTask&, const Model&,
                                    std::span<float>,
                                    const TaskContext&) override {
    return absl::FailedPreconditionError("a judge trains nothing");
  }
  absl::StatusOr<EvaluateResult> Evaluate(const TrainTask& task,
                                          const Model& model,
                                          const TaskContext& context) override {
    auto result = plain_->Evaluate(task, model, context);
    if (!result.ok()) return result;
    const auto success = triggered_->Evaluate(task, model, context);
    if (!success.ok()) return success.status();
    result->metrics["backdoor_accuracy"] = success->metrics.at("accuracy");
    return result;
  }

 private:
  const std::unique_ptr<Trainer> plain_;
  const std::unique_ptr<Trainer> triggered_;
};

// Those whose updates are their own, or these negated, train.
bool AdversariesTrain(const v1::AttackPlan& attack) {
  return attack.has_bit_flip() || attack.has_label_flip() ||
         attack.has_backdoor();
}

class TorchParticipants final : public Participants {
 public:
  TorchParticipants(std::shared_ptr<const Population> population,
                    const TorchDevice& device)
      : population_(std::move(population)),
        device_(device.kind),
        networks_(MakeTorchNetworks(device)) {}

  std::size_t clients() const override {
    return population_->partition.clients();
  }
  std::size_t Examples(std::size_t client) const override {
    return population_->partition.Of(client).size();
  }
  std::unique_ptr<Trainer> MakeTrainer(std::size_t client) const override {
    const bool is_adversary = population_->IsAdversary(client);
    if (is_adversary && !population_->adversaries_train) {
      return std::make_unique<Idler>(Examples(client));
    }
    const bool is_poisoned =
        is_adversary && !population_->poison.ChangesNothing();
    if (population_->shift.IsIdentity() && !is_poisoned) {
      const auto examples = population_->partition.Of(client);
      return MakeSubsetTrainer(population_->train,
                               {examples.begin(), examples.end()}, networks_);
    }
    auto own = std::make_shared<const Dataset>(population_->RowsOf(client));
    return MakeTorchTrainer(std::move(own), nullptr, networks_);
  }
  // On a CUDA device nobody has tried it yet (docs/simulation.md).
  bool RepeatExactly() const override {
    return device_ == TorchDevice::Kind::kCpu;
  }
  std::size_t TestExamplesOf(std::size_t client) const override {
    return population_->client_test && !population_->IsAdversary(client)
               ? population_->client_test->Of(client).size()
               : 0;
  }
  std::unique_ptr<Trainer> MakeEvaluatorOf(std::size_t client) const override {
    if (population_->shift.IsIdentity()) {
      const auto examples = population_->client_test->Of(client);
      return MakeSubsetEvaluator(population_->train,
                                 {examples.begin(), examples.end()}, networks_);
    }
    auto own = std::make_shared<const Dataset>(population_->TestRowsOf(client));
    return MakeTorchTrainer(nullptr, std::move(own), networks_);
  }
  std::size_t TestExamples() const override {
    return population_->test == nullptr ? 0 : population_->test->Size();
  }
  std::unique_ptr<Trainer> MakeEvaluator() const override {
    auto judge = MakeTorchTrainer(nullptr, population_->test, networks_);
    if (population_->triggered == nullptr) return judge;
    return std::make_unique<BackdoorJudge>(
        std::move(judge),
        MakeTorchTrainer(nullptr, population_->triggered, networks_));
  }

 private:
  const std::shared_ptr<const Population> population_;
  const TorchDevice::Kind device_;
  const std::shared_ptr<TorchNetworks> networks_;
};

Dataset ShiftedRows(const Population& population, std::size_t client,
                    std::span<const std::uint32_t> examples) {
  Dataset rows = population.train->Select({examples.begin(), examples.end()});
  population.shift.Apply(client, rows);
  return rows;
}

absl::Status Arm(const v1::AttackPlan& attack, const Key& run_key,
                 Population& population) {
  population.adversaries_train = AdversariesTrain(attack);
  auto poison = Poison::Make(attack, *population.train, run_key);
  if (!poison.ok()) return poison.status();
  population.poison = *std::move(poison);
  if (!population.poison.IsBackdoor() || population.test == nullptr) {
    return absl::OkStatus();
  }
  Dataset triggered = population.poison.Triggered(*population.test);
  if (triggered.Size() == 0) {
    return absl::InvalidArgumentError(
        "simulation.attack.backdoor.target: all examples of simulation.test "
        "are of this class; none shows whether the backdoor works");
  }
  population.triggered = std::make_shared<const Dataset>(std::move(triggered));
  return absl::OkStatus();
}

}  // namespace

Dataset Population::RowsOf(std::size_t client) const {
  Dataset rows =
      ShiftedRows(*this, client % partition.honest(), partition.Of(client));
  if (IsAdversary(client)) poison.Apply(client, rows);
  return rows;
}

Dataset Population::TestRowsOf(std::size_t client) const {
  return ShiftedRows(*this, client, client_test->Of(client));
}

absl::StatusOr<std::shared_ptr<const Population>> LoadPopulation(
    const v1::Plan& plan, const Key& run_key) {
  Population population;
  auto train = datasets::ReadExamples(plan.simulation().train(),
                                      "simulation.train", run_key);
  if (!train.ok()) return train.status();
  if (plan.simulation().has_test()) {
    auto test = datasets::ReadExamples(plan.simulation().test(),
                                       "simulation.test", run_key);
    if (!test.ok()) return test.status();
    if (test->data.ExampleLength() != train->data.ExampleLength()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "simulation.test: an example has ", test->data.ExampleLength(),
          " features, those of simulation.train have ",
          train->data.ExampleLength()));
    }
    population.test = std::make_shared<const Dataset>(std::move(test->data));
  }
  auto partition = MakePartition(plan.simulation(), *train, run_key);
  if (!partition.ok()) return partition.status();
  population.train = std::make_shared<const Dataset>(std::move(train->data));
  if (plan.simulation().partition().has_natural()) {
    population.owners = std::move(train->owners);
  }
  population.partition = *std::move(partition);
  if (const double kept = plan.simulation().client_test_fraction(); kept > 0) {
    HeldOut parts = HoldOut(population.partition, kept, run_key);
    population.partition = std::move(parts.train);
    population.client_test = std::move(parts.test);
  }
  population.shift = FeatureShift(plan.simulation().partition().feature_shift(),
                                  population.partition.honest(), run_key);
  if (auto fits = population.shift.Check(population.train->example_shape);
      !fits.ok()) {
    return fits;
  }
  if (plan.simulation().has_attack()) {
    if (auto armed = Arm(plan.simulation().attack(), run_key, population);
        !armed.ok()) {
      return armed;
    }
  }
  return std::make_shared<const Population>(std::move(population));
}

std::shared_ptr<const Participants> MakeParticipants(
    std::shared_ptr<const Population> population, const TorchDevice& device) {
  return std::make_shared<const TorchParticipants>(std::move(population),
                                                   device);
}

}  // namespace tributary::simulation
