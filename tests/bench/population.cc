// SPDX-License-Identifier: Apache-2.0
// tributary-bench-population CLIENTS COHORT ROUNDS: simulates so many clients
// with as many examples as MNIST has, on the 2NN, and prints the peak of its
// resident memory in KiB.
#include "simulation/population.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/codec/yaml.h"
#include "simulation/first_model.h"
#include "simulation/simulation.h"

namespace {

using namespace tributary;
using namespace tributary::simulation;

constexpr std::size_t kExamples = 60'000;
constexpr std::size_t kFeatures = 784;
constexpr std::size_t kParts = 1'000;

class Silence final : public Observer {
 public:
  void OnRound(const RoundSummary&) override {}
  void OnEvaluation(int, const round::Metrics&) override {}
  void OnAbandoned(const round::AbandonRound&) override {}
  void OnUpdate() override {}
};

[[noreturn]] void Fail(const absl::Status& status) {
  std::fprintf(stderr, "tributary-bench-population: %s\n",
               status.ToString().c_str());
  std::exit(1);
}

v1::Plan MakePlan(const std::string& clients, const std::string& cohort,
                  const std::string& rounds) {
  v1::Plan plan;
  const absl::Status read = codec::ParseYaml(
      absl::StrCat(
          "name: population\npopulation: population\nseed: 1\n"
          "model: {architecture: {mlp: {inputs: 784, hidden: [200, 200],"
          " outputs: 10}}}\n"
          "round: {cohort_size: ",
          cohort,
          "}\n"
          "training: {epochs: 1, batch_size: 10, learning_rate: 0.1}\n"
          "update: {max_abs: 4, max_weight: 1000}\n"
          "stop: {rounds: ",
          rounds, "}\nsimulation: {clients: ", clients,
          ", train: {csv: {path: none}}}\n"),
      "plan", plan);
  if (!read.ok()) Fail(read);
  return codec::WithDefaults(plan);
}

std::shared_ptr<const Population> MakePopulation(std::size_t clients) {
  Dataset train;
  train.example_shape = {static_cast<std::int64_t>(kFeatures)};
  train.features.resize(kExamples * kFeatures);
  for (std::size_t i = 0; i < train.features.size(); ++i) {
    train.features[i] = static_cast<float>(i * 2654435761u % 256) / 256;
  }
  train.targets.resize(kExamples);
  std::vector<std::uint32_t> part_of(kExamples);
  for (std::size_t i = 0; i < kExamples; ++i) {
    train.targets[i] = static_cast<float>(i % 10);
    part_of[i] = static_cast<std::uint32_t>(i % kParts);
  }
  auto population = std::make_shared<Population>();
  population->train = std::make_shared<const Dataset>(std::move(train));
  population->partition = Partition(part_of, kParts, clients / kParts);
  return population;
}

long PeakKib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    long value = 0;
    if (word == "VmHWM:" && status >> value) return value;
  }
  return -1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) Fail(absl::InvalidArgumentError("CLIENTS COHORT ROUNDS"));
  SimulationInputs inputs;
  inputs.plan = MakePlan(argv[1], argv[2], argv[3]);
  inputs.run_key = KeyFromSeed(inputs.plan.seed());
  auto first = LoadFirstModel(inputs.plan, inputs.run_key);
  if (!first.ok()) Fail(first.status());
  inputs.first = *std::move(first);
  inputs.participants = MakeParticipants(
      MakePopulation(static_cast<std::size_t>(std::atoll(argv[1]))));
  Silence silence;
  auto simulation = Simulation::Create(std::move(inputs), silence);
  if (!simulation.ok()) Fail(simulation.status());
  const auto end = (*simulation)->Run();
  if (!end.ok()) Fail(end.status());
  if (end->end != round::RunEnd::kFinished) {
    Fail(absl::InternalError(end->reason));
  }
  std::printf("%ld\n", PeakKib());
}
