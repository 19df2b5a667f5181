// SPDX-License-Identifier: Apache-2.0
// A vocabulary for federations of virtual clients whose trainer is arithmetic:
// every client moves every weight by its own step.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulation/checkpoint.h"
#include "simulation/intermission.h"
#include "simulation/observer.h"
#include "simulation/simulation.h"

namespace tributary::simulation {

// What an observer was told.
class Record final : public Observer {
 public:
  absl::Status OnCharge(const Charge& charge) override {
    charges.push_back(charge);
    return absl::OkStatus();
  }
  void OnRound(const RoundSummary& round) override { rounds.push_back(round); }
  void OnEvaluation(int round, const round::Metrics& metrics) override {
    evaluations[round] = metrics;
  }
  void OnAbandoned(const round::AbandonRound& attempt) override {
    abandoned.push_back(attempt);
  }
  void OnUpdate() override { ++updates; }

  std::vector<Charge> charges;
  std::vector<RoundSummary> rounds;
  std::map<int, round::Metrics> evaluations;
  std::vector<round::AbandonRound> abandoned;
  int updates = 0;
};

struct FederationPlan {
  int clients = 4;
  int cohort_size = 4;
  double over_selection = 1.0;
  int min_updates = 2;
  int rounds = 3;
  int deadline_seconds = 60;
  int workers = 1;
  std::uint64_t seed = 1;
  // Examples of a client; training one takes a virtual millisecond.
  std::function<std::size_t(int)> examples = [](int) { return 100; };
  // What the evaluator judges models on: 3,000 a virtual millisecond.
  std::size_t test_examples = 10;
  // Clients whose trainer fails.
  std::function<bool(int)> fails = [](int) { return false; };
  // Clients whose last weight ends up as no number.
  std::function<bool(int)> diverges = [](int) { return false; };
  // Told of each training that is begun; called by several threads.
  std::function<void(int)> on_training = [](int) {};
  // More of the plan's simulation section, in YAML.
  std::string simulation = {};
  // Those that make the run together.
  std::shared_ptr<Ranks> ranks = std::make_shared<OneRank>();
  // Whatever else the plan is to say.
  std::function<void(v1::Plan&)> change = [](v1::Plan&) {};
};

// Makes the rounds of a plan asynchronous: so many updates are a model, so many
// clients train at once.
std::function<void(v1::Plan&)> Asynchronously(int cohort_size, int concurrency);

// Stops a run between two rounds, at once if that is asked for and at the given
// number of times it is asked.
class StopAt final : public Intermission {
 public:
  explicit StopAt(int time) : time_(time) {}
  Wish Ask() override {
    return time_-- == 0 ? Wish::kSaveAndStop : Wish::kGoOn;
  }
  absl::Status Save(const Simulation& simulation) override;

  // What was saved.
  std::optional<Checkpoint> saved;

 private:
  int time_;
};

class VirtualFederation {
 public:
  explicit VirtualFederation(const FederationPlan& plan);
  // Runs to the end, which it returns.
  absl::StatusOr<round::EndRun> Run();

  Record record;
  std::unique_ptr<Simulation> simulation;
  absl::Status created;
};

// What a run of the plan, gone on from a checkpoint or begun, saves at the n-th
// time between rounds; nothing if it ended before. Throws if it fails.
std::optional<Checkpoint> StopTheRun(const FederationPlan& plan, int time,
                                     std::optional<Checkpoint> from = {});
// A run of the plan that was stopped at that time and has gone on to its end.
std::unique_ptr<VirtualFederation> Interrupted(const FederationPlan& plan,
                                               int time);

}  // namespace tributary::simulation
