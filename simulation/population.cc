// SPDX-License-Identifier: Apache-2.0
#include "simulation/population.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "simulation/datasets/examples.h"
#include "tributary/torch_trainer.h"

namespace tributary::simulation {

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

std::vector<Participant> MakeParticipants(const v1::Plan& plan,
                                          const Population& population) {
  const auto networks = MakeTorchNetworks();
  const auto shared = std::make_shared<const Partition>(population.partition);
  std::vector<Participant> participants;
  for (std::size_t client = 0; client < shared->clients(); ++client) {
    Participant participant;
    participant.id = {ClientName(client)};
    participant.role = v1::TRAINER;
    participant.population = plan.population();
    participant.examples = shared->Of(client).size();
    // A client's rows are copied when it trains and dropped afterwards: only
    // those who train take memory.
    participant.make_trainer = [train = population.train, shared, networks,
                                client] {
      const auto examples = shared->Of(client);
      auto own = std::make_shared<const Dataset>(
          train->Select({examples.begin(), examples.end()}));
      return MakeTorchTrainer(std::move(own), nullptr, networks);
    };
    if (participant.examples > 0) {
      participants.push_back(std::move(participant));
    }
  }
  if (population.test != nullptr) {
    Participant evaluator;
    evaluator.id = {kEvaluatorName};
    evaluator.role = v1::EVALUATOR;
    evaluator.population = plan.population();
    evaluator.examples = population.test->Size();
    evaluator.make_trainer = [test = population.test, networks] {
      return MakeTorchTrainer(nullptr, test, networks);
    };
    participants.push_back(std::move(evaluator));
  }
  return participants;
}

}  // namespace tributary::simulation
