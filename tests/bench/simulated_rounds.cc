// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/simulated_rounds.h"

#include <atomic>
#include <chrono>
#include <ctime>
#include <utility>

#include "client/torch/subset_trainer.h"
#include "simulation/observer.h"
#include "simulation/simulation.h"

namespace tributary::bench {
namespace {

constexpr int kRounds = 4;

// Of this thread: what others do on the core is not ours to count.
double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * 1e-9;
}

class TimedTrainer final : public Trainer {
 public:
  TimedTrainer(std::unique_ptr<Trainer> trainer, std::atomic<double>& seconds)
      : trainer_(std::move(trainer)), seconds_(seconds) {}

  absl::StatusOr<TrainResult> Train(const TrainTask& task, const Model& model,
                                    std::span<float> delta,
                                    const TaskContext& context) override {
    const double start = CpuSeconds();
    auto result = trainer_->Train(task, model, delta, context);
    seconds_ += CpuSeconds() - start;
    return result;
  }

 private:
  const std::unique_ptr<Trainer> trainer_;
  std::atomic<double>& seconds_;
};

class Everybody final : public simulation::Participants {
 public:
  Everybody(const Workload& workload, std::atomic<double>& seconds)
      : workload_(workload),
        data_(DataOf(workload)),
        networks_(MakeTorchNetworks()),
        seconds_(seconds) {}

  std::size_t clients() const override { return workload_.clients; }
  std::size_t Examples(std::size_t) const override {
    return workload_.examples;
  }
  std::unique_ptr<Trainer> MakeTrainer(std::size_t client) const override {
    return std::make_unique<TimedTrainer>(
        MakeSubsetTrainer(data_, RowsOf(workload_, client), networks_),
        seconds_);
  }
  std::size_t TestExamples() const override { return 0; }
  std::unique_ptr<Trainer> MakeEvaluator() const override { return nullptr; }

 private:
  const Workload workload_;
  const std::shared_ptr<const Dataset> data_;
  const std::shared_ptr<TorchNetworks> networks_;
  std::atomic<double>& seconds_;
};

// Starts the clocks at the end of the round that warms up.
class Clocks final : public simulation::Observer {
 public:
  void OnRound(const simulation::RoundSummary& round) override {
    if (round.round == 1) {
      start_ = std::chrono::steady_clock::now();
      cpu_start_ = CpuSeconds();
      training = 0;
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

  SimulatedRounds Result() const {
    return {updates_ / wall_, 100 * (cpu_ - training) / training};
  }

  std::atomic<double> training = 0;  // seconds

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
  inputs.plan.mutable_stop()->set_rounds(1 + kRounds);
  inputs.run_key = KeyFromSeed(1);
  inputs.first = FirstModelOf(inputs.plan);
  inputs.participants =
      std::make_shared<const Everybody>(workload, clocks.training);
  inputs.workers = workers;
  inputs.ranks = std::move(ranks);
  auto made = simulation::Simulation::Create(std::move(inputs), clocks);
  CheckOk(made.status());
  CheckOk((*made)->Run().status());
  return clocks.Result();
}

}  // namespace tributary::bench
