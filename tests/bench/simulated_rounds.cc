// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/simulated_rounds.h"

#include <chrono>
#include <utility>

#include "client/torch/subset_trainer.h"
#include "simulation/observer.h"
#include "simulation/simulation.h"
#include "tests/bench/cpu_time.h"

namespace tributary::bench {
namespace {

class Everybody final : public simulation::Participants {
 public:
  explicit Everybody(const Workload& workload)
      : workload_(workload),
        data_(DataOf(workload)),
        networks_(MakeTorchNetworks()) {}

  std::size_t clients() const override { return workload_.clients; }
  std::size_t Examples(std::size_t) const override {
    return workload_.examples;
  }
  std::unique_ptr<Trainer> MakeTrainer(std::size_t client) const override {
    return MakeSubsetTrainer(data_, RowsOf(workload_, client), networks_);
  }
  std::size_t TestExamples() const override { return 0; }
  std::unique_ptr<Trainer> MakeEvaluator() const override { return nullptr; }

 private:
  const Workload workload_;
  const std::shared_ptr<const Dataset> data_;
  const std::shared_ptr<TorchNetworks> networks_;
};

// Starts the clocks at the end of the round that warms up.
class Clocks final : public simulation::Observer {
 public:
  void OnRound(const simulation::RoundSummary& round) override {
    if (round.round == 1) {
      start_ = std::chrono::steady_clock::now();
      cpu_start_ = CpuSeconds();
      updates_ = 0;
      return;
    }
    wall_ =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_)
            .count();
    cpu_ = CpuSeconds() - cpu_start_;
  }
  void OnEvaluation(int, const round::Metrics&) override {}
  void OnAbandoned(const round::AbandonRound&) override {
    Give("a round was abandoned");
  }
  void OnUpdate() override { ++updates_; }

  SimulatedRounds Result() const { return {updates_ / wall_, cpu_ / updates_}; }

 private:
  std::chrono::steady_clock::time_point start_;
  double cpu_start_ = 0;
  double wall_ = 0;
  double cpu_ = 0;
  int updates_ = 0;
};

}  // namespace

SimulatedRounds Simulate(const Workload& workload, int workers,
                         std::shared_ptr<simulation::Ranks> ranks) {
  Clocks clocks;
  simulation::SimulationInputs inputs;
  inputs.plan = PlanOf(workload);
  inputs.plan.mutable_stop()->set_rounds(
      static_cast<std::uint32_t>(1 + TimedRounds(workload)));
  inputs.run_key = KeyFromSeed(1);
  inputs.first = FirstModelOf(inputs.plan);
  inputs.participants = std::make_shared<const Everybody>(workload);
  inputs.workers = workers;
  inputs.ranks = std::move(ranks);
  auto made = simulation::Simulation::Create(std::move(inputs), clocks);
  CheckOk(made.status());
  CheckOk((*made)->Run().status());
  return clocks.Result();
}

}  // namespace tributary::bench
