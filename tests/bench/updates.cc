// SPDX-License-Identifier: Apache-2.0
// tributary-bench-updates: the speed of simulated clients, asked for on
// standard input and answered on standard output, a line each:
//
//   WORKLOAD            one round of it on what a simulated client runs and its
//                       coordinator does with the update: task, trainer,
//                       preparation, verification, exact sum; then the release.
//                       Client updates per second
//   simulate WORKLOAD WORKERS
//                       rounds of 100 clients of the whole simulator. Updates
//                       per second, and what it took besides training, in
//                       percent of the training (of CPU time; one worker only)
//   rank WORKLOAD RANK RANKS PORT
//                       the same as one of several processes, with one worker.
//                       Rank 0 is given port 0, finds a free one and says it in
//                       a line of its own, for the others to be told
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "aggregation/release.h"
#include "client/core/update.h"
#include "client/torch/subset_trainer.h"
#include "proto/codec/plan.h"
#include "simulation/ranks/join.h"
#include "simulation/received_update.h"
#include "tests/bench/simulated_rounds.h"
#include "tests/bench/workload.h"
#include "tributary/torch_trainer.h"

namespace tributary::bench {
namespace {

constexpr std::size_t kSimulatedClients = 100;

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
    const simulation::UpdateFormat format{
        codec::ToEncoding(plan_.update()).encoding, *layout};
    aggregation::ExactSum sum(*layout);
    ++round_;
    for (std::size_t client = 0; client < workload_.clients; ++client) {
      Update(client, format, sum);
    }
    Release(std::move(sum));
    return static_cast<double>(workload_.clients) /
           std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         start)
               .count();
  }

 private:
  v1::Task TaskOf(std::size_t client) const {
    v1::Task task;
    task.set_kind(v1::Task::TRAIN);
    task.set_run("bench");
    task.set_round(round_);
    task.set_attempt(1);
    task.set_task_token(std::string(16, 't'));
    task.set_model(std::string(model_->id.AsBytes()));
    *task.mutable_training() = plan_.training();
    *task.mutable_update() = plan_.update();
    std::string seed(32, 's');
    std::memcpy(seed.data(), &round_, sizeof round_);
    std::memcpy(seed.data() + 8, &client, sizeof client);
    task.set_seed(seed);
    return task;
  }

  void Update(std::size_t client, const simulation::UpdateFormat& format,
              aggregation::ExactSum& sum) {
    const auto trainer =
        MakeSubsetTrainer(data_, RowsOf(workload_, client), networks_);
    const v1::Task task = TaskOf(client);
    const auto train_task = ToTrainTask(task);
    CheckOk(train_task.status());
    std::vector<float> delta(model_->manifest.Length());
    const auto result = trainer->Train(*train_task, *model_, delta, context_);
    CheckOk(result.status());
    const auto update =
        PrepareUpdate(task, model_->manifest, *result, std::move(delta), {});
    CheckOk(update.status());
    if (update->saturated > 0) Give("an update was clamped");
    if (simulation::Verify(format, update->header, *update->bytes) !=
        round::Refusal::kNone) {
      Give("an update was refused");
    }
    simulation::Fold(format, *update->bytes, update->header.weight(), sum);
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
      int workers = 0;
      words >> name >> workers;
      Workload workload = WorkloadOf(name);
      workload.clients = kSimulatedClients;
      const SimulatedRounds rounds = Simulate(workload, workers);
      std::printf("%.3f %.3f\n", rounds.updates_per_second,
                  rounds.overhead_percent);
    } else if (name == "rank") {
      simulation::RankPlace place{.address = "127.0.0.1"};
      words >> name >> place.rank >> place.size >> place.port;
      Workload workload = WorkloadOf(name);
      workload.clients = kSimulatedClients;
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
