// SPDX-License-Identifier: Apache-2.0
#include "simulation/population.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "simulation/datasets/examples.h"
#include "tributary/torch_trainer.h"

namespace tributary::simulation {
namespace {

class TorchParticipants final : public Participants {
 public:
  explicit TorchParticipants(const Population& population)
      : population_(population), networks_(MakeTorchNetworks()) {}

  std::size_t clients() const override {
    return population_.partition.clients();
  }
  std::size_t Examples(std::size_t client) const override {
    return population_.partition.Of(client).size();
  }
  // A client's rows are copied when it trains and dropped afterwards: only
  // those who train take memory.
  std::unique_ptr<Trainer> MakeTrainer(std::size_t client) const override {
    const auto examples = population_.partition.Of(client);
    auto own = std::make_shared<const Dataset>(
        population_.train->Select({examples.begin(), examples.end()}));
    return MakeTorchTrainer(std::move(own), nullptr, networks_);
  }
  std::size_t TestExamples() const override {
    return population_.test == nullptr ? 0 : population_.test->Size();
  }
  std::unique_ptr<Trainer> MakeEvaluator() const override {
    return MakeTorchTrainer(nullptr, population_.test, networks_);
  }

 private:
  const Population population_;
  const std::shared_ptr<TorchNetworks> networks_;
};

}  // namespace

absl::StatusOr<Population> LoadPopulation(const v1::Plan& plan,
                                          const Key& run_key) {
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
  auto partition =
      MakePartition(plan.simulation(), train->data.targets, run_key);
  if (!partition.ok()) return partition.status();
  population.train = std::make_shared<const Dataset>(std::move(train->data));
  population.owner = std::move(train->owner);
  population.owners = std::move(train->owners);
  population.partition = *std::move(partition);
  return population;
}

std::shared_ptr<const Participants> MakeParticipants(
    const Population& population) {
  return std::make_shared<const TorchParticipants>(population);
}

}  // namespace tributary::simulation
