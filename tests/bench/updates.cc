// SPDX-License-Identifier: Apache-2.0
// tributary-bench-updates: the speed of simulated clients, asked for on
// standard input and answered on standard output, a line each:
//
//   WORKLOAD            one round of it on what a simulated client runs and its
//                       coordinator does with the update: task, trainer,
//                       preparation, exact sum; then the release. Client
//                       updates per second
//   train WORKLOAD CLIENTS
//                       the training of so many clients, and nothing besides.
//                       CPU seconds for each
//   simulate WORKLOAD CLIENTS WORKERS
//                       rounds of the whole simulator, of so many clients.
//                       Updates per second; CPU seconds for each, with one
//                       worker
//   rank WORKLOAD CLIENTS RANK RANKS PORT
//                       the same as one of several processes, with one worker.
//                       Rank 0 is given port 0, finds a free one and says it in
//                       a line of its own, for the others to be told
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "aggregation/narrow_sum.h"
#include "aggregation/release.h"
#include "client/core/update.h"
#include "client/torch/subset_trainer.h"
#include "proto/codec/plan.h"
#include "simulation/ranks/join.h"
#include "tests/bench/simulated_rounds.h"
#include "tests/bench/tasks.h"
#include "tests/bench/training_alone.h"
#include "tests/bench/workload.h"
#include "tributary/torch_trainer.h"

namespace tributary::bench {
namespace {

Workload Read(std::istringstream& words) {
  std::string name;
  words >> name;
  Workload workload = WorkloadOf(name);
  words >> workload.clients;
  return workload;
}

class Federation {
 public:
  explicit Federation(const Workload& workload)
      : plan_(PlanOf(workload)),
        workload_(workload),
        optimizer_(codec::ToOptimizer(plan_.server_optimizer())),
        networks_(MakeTorchNetworks()),
        data_(DataOf(workload)),
        model_(FirstModelOf(plan_).model) {}

  // The network that the first round has loaded is used again.
  void ForgetArchive() const {
    if (!model_->archive.empty()) std::filesystem::remove(model_->archive);
  }

  // Client updates per second.
  double Round() {
    const auto start = std::chrono::steady_clock::now();
    const auto layout = codec::ToLayout(plan_.update(), model_->manifest);
    CheckOk(layout.status());
    aggregation::NarrowSum narrow(*layout);
    ++round_;
    for (std::size_t client = 0; client < workload_.clients; ++client) {
      Update(client, narrow);
    }
    aggregation::ExactSum sum = std::move(narrow).Take();
    for (const std::uint32_t weight : std::exchange(weights_, {})) {
      sum.AddContribution(weight);
    }
    Release(std::move(sum));
    return static_cast<double>(workload_.clients) /
           std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         start)
               .count();
  }

 private:
  void Update(std::size_t client, aggregation::NarrowSum& sum) {
    const auto trainer =
        MakeSubsetTrainer(data_, RowsOf(workload_, client), networks_);
    std::uint32_t weight = 0;
    const auto update = StreamUpdate(
        TaskOf(plan_, *model_, round_, client), *model_, *trainer,
        [&](const UpdateBlock& block) {
          weight = block.weight;
          sum.AddBlock(block.offset, block.values, block.largest, weight);
        },
        context_);
    CheckOk(update.status());
    if (update->saturated > 0) Give("an update was clamped");
    weights_.push_back(weight);
  }

  void Release(aggregation::ExactSum&& sum) {
    auto next = std::make_shared<Model>(*model_);
    const aggregation::Release road(std::move(sum), optimizer_);
    std::vector<std::vector<float>> memory(
        static_cast<std::size_t>(aggregation::StateVectors(optimizer_)));
    if (!memory.empty()) Give("FedAvg keeps no state");
    road.Block(0, next->weights, {});
    Sha256Stream hash;
    hash.Update(std::as_bytes(std::span(next->weights)));
    next->id = hash.Finish();
    model_ = std::move(next);
  }

  const v1::Plan plan_;
  const Workload workload_;
  const aggregation::ServerOptimizer optimizer_;
  const std::shared_ptr<TorchNetworks> networks_;
  const std::shared_ptr<const Dataset> data_;
  std::shared_ptr<const Model> model_;
  TaskContext context_;
  std::uint32_t round_ = 0;
  std::vector<std::uint32_t> weights_;  // of the round's updates
};

std::shared_ptr<simulation::Ranks> JoinRanks(
    const simulation::RankPlace& place) {
  const auto tell = [](std::uint16_t port) {
    std::printf("%d\n", port);
    std::fflush(stdout);
    return absl::OkStatus();
  };
  auto ranks = simulation::Join(place, {.on_listening = tell});
  CheckOk(ranks.status());
  return *std::move(ranks);
}

void Serve() {
  std::map<std::string, std::unique_ptr<Federation>> federations;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (name == "simulate") {
      const Workload workload = Read(words);
      int workers = 0;
      words >> workers;
      const SimulatedRounds rounds = Simulate(workload, workers);
      std::printf("%.3f %.9f\n", rounds.updates_per_second, rounds.cpu_seconds);
    } else if (name == "train") {
      std::printf("%.9f\n", TrainAlone(Read(words)));
    } else if (name == "rank") {
      const Workload workload = Read(words);
      simulation::RankPlace place{.address = "127.0.0.1"};
      words >> place.rank >> place.size >> place.port;
      std::printf("%.3f\n",
                  Simulate(workload, 1, JoinRanks(place)).updates_per_second);
    } else {
      auto& federation = federations[name];
      if (federation == nullptr) {
        federation = std::make_unique<Federation>(WorkloadOf(name));
        federation->Round();  // warms up
        federation->ForgetArchive();
      }
      std::printf("%.3f\n", federation->Round());
    }
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace tributary::bench

int main() { tributary::bench::Serve(); }
