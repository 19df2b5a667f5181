// SPDX-License-Identifier: Apache-2.0
#include "simulation/cost.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "proto/codec/yaml.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

// Client k holds k examples, the first one none; training notes who trained.
class Noting final : public Participants {
 public:
  explicit Noting(std::size_t clients) : clients_(clients) {}
  std::size_t clients() const override { return clients_; }
  std::size_t Examples(std::size_t client) const override { return client; }
  std::unique_ptr<Trainer> MakeTrainer(std::size_t client) const override {
    trained.push_back(client);
    return std::make_unique<Idle>(&tasks);
  }
  // Those it trains on, and as many to judge on where it judges at all.
  std::size_t TestExamplesOf(std::size_t client) const override {
    return judges ? client : 0;
  }
  std::unique_ptr<Trainer> MakeEvaluatorOf(std::size_t client) const override {
    judged.push_back(client);
    return std::make_unique<Idle>();
  }
  std::size_t TestExamples() const override { return 5; }
  std::unique_ptr<Trainer> MakeEvaluator() const override {
    return std::make_unique<Idle>();
  }
  bool judges = false;
  mutable std::vector<std::size_t> trained, judged;
  mutable std::size_t tasks = 0;

 private:
  class Idle final : public Trainer {
   public:
    explicit Idle(std::size_t* tasks = nullptr) : tasks_(tasks) {}
    absl::StatusOr<TrainResult> Train(const TrainTask& task, const Model&,
                                      std::span<float> delta,
                                      const TaskContext&) override {
      if (delta.size() != 6 || task.training.batch_size != 4) {
        return absl::InternalError("not the plan's task");
      }
      ++*tasks_;
      return TrainResult{.examples = 1, .loss = 0};
    }
    absl::StatusOr<EvaluateResult> Evaluate(const TrainTask&, const Model&,
                                            const TaskContext&) override {
      return EvaluateResult{.examples = 5, .metrics = {}};
    }

   private:
    std::size_t* const tasks_;
  };
  const std::size_t clients_;
};

v1::Plan PlanOf(const std::string& more = "") {
  v1::Plan plan;
  const auto read = codec::ParseYaml(
      "name: p\npopulation: p\n"
      "model: {architecture: {mlp: {inputs: 2, outputs: 2}}}\n"
      "round: {cohort_size: 10, over_selection: 1.1}\n"
      "training: {epochs: 1, batch_size: 4, learning_rate: 0.1}\n"
      "update: {max_abs: 1, max_weight: 10}\n"
      "evaluation: {every_rounds: 4}\nstop: {rounds: 10}\n" +
          more,
      "plan.yaml", plan);
  INFO(read);
  REQUIRE(read.ok());
  plan = codec::WithDefaults(plan);
  plan.mutable_simulation()->set_workers(2);
  return plan;
}

Model SixWeights() {
  Model model;
  model.manifest = Manifest({{"weight", {2, 2}}, {"bias", {2}}});
  model.weights.resize(6);
  return model;
}

TEST_CASE("a cost counts what the plan says") {
  const Noting participants(101);
  const auto cost = EstimateCost(PlanOf(), participants, SixWeights());
  REQUIRE(cost.ok());
  CHECK(cost->parameters == 6);
  CHECK(cost->clients == 100);
  CHECK(cost->examples == 5050);
  CHECK(cost->rounds == 10);
  CHECK(cost->asked == 11);
  CHECK(cost->counted == 10);
  // Rounds 4, 8 and the last.
  CHECK(cost->evaluations == 3);
  CHECK(cost->workers == 2);
  CHECK(cost->update_bytes == 24);
  CHECK(cost->resident_bytes > 1u << 20);
}

// Of six weights a model takes 24 bytes, and a sum 8 bytes and 4 before them
// for each. The first worker's model is there already.
TEST_CASE("a round holds a sum a worker, or updates made ahead and a sum") {
  const auto where_made = EstimateCost(PlanOf(), Noting(101), SixWeights());
  REQUIRE(where_made.ok());
  CHECK(where_made->PeakBytes() == where_made->resident_bytes + 24 + 2 * 72);

  v1::Plan limited = PlanOf();
  limited.mutable_training()->mutable_time_limit()->set_seconds(60);
  const auto ahead = EstimateCost(limited, Noting(101), SixWeights());
  REQUIRE(ahead.ok());
  CHECK(ahead->round_bytes == 24 + 8 * 24 + 72);
  CHECK(ahead->state_bytes == 0);
}

// Its own model of every client that was counted, and a second training in each
// task; 10 rounds of 10 reach all of the 100.
TEST_CASE("states of clients and a strategy's trainings are part of the cost") {
  const Noting participants(101);
  const auto ditto = EstimateCost(PlanOf("strategy: {ditto: {lambda: 0.1}}\n"),
                                  participants, SixWeights());
  REQUIRE(ditto.ok());
  CHECK(ditto->state_bytes == 100 * 24);
  CHECK(participants.tasks == 2 * participants.trained.size());
}

TEST_CASE("clients of every size are trained, none without examples") {
  const Noting participants(101);
  const auto cost = EstimateCost(PlanOf(), participants, SixWeights());
  REQUIRE(cost.ok());
  CHECK(cost->trained_clients == 8);
  // One more to set up what is set up once.
  REQUIRE(participants.trained.size() == 9);
  const std::set<std::size_t> different(participants.trained.begin() + 1,
                                        participants.trained.end());
  CHECK(different.size() == 8);
  CHECK(*different.begin() < 10);
  CHECK(*different.rbegin() > 90);
}

TEST_CASE("what clients judge is counted and timed") {
  Noting participants(101);
  participants.judges = true;
  v1::Plan plan = PlanOf();
  plan.mutable_simulation()->set_client_test_fraction(0.5);
  plan.mutable_simulation()->set_client_evaluation_every_rounds(3);
  plan.mutable_simulation()->set_client_evaluations(1000);
  const auto all = EstimateCost(plan, participants, SixWeights());
  REQUIRE(all.ok());
  // 100 clients after rounds 3, 6, 9 and the last.
  CHECK(all->client_evaluations == 400);
  CHECK(all->seconds_per_client_evaluation > 0);
  CHECK(participants.judged.size() == 8);

  plan.mutable_simulation()->set_client_evaluations(30);
  CHECK(EstimateCost(plan, participants, SixWeights())->client_evaluations ==
        120);
  CHECK(
      EstimateCost(PlanOf(), participants, SixWeights())->client_evaluations ==
      0);
}

TEST_CASE("no more are asked than there are") {
  const auto cost = EstimateCost(PlanOf(), Noting(4), SixWeights());
  REQUIRE(cost.ok());
  CHECK(cost->asked == 3);
  CHECK(cost->trained_clients == 3);
}

TEST_CASE("time is shared by workers, evaluations are not") {
  Cost cost;
  cost.rounds = 10;
  cost.asked = 8;
  cost.counted = 6;
  cost.seconds_per_update = 0.5;
  cost.workers = 2;
  cost.evaluations = 5;
  cost.seconds_per_evaluation = 2;
  CHECK(cost.Seconds() == 10 * 6 * 0.5 / 2 + 10);
  CHECK(FormatCost(cost).find("about 25 s: 60 updates x 500 ms on 2 workers, "
                              "5 evaluations x 2 s") != std::string::npos);
  // Those of clients are shared as well.
  cost.client_evaluations = 40;
  cost.seconds_per_client_evaluation = 0.25;
  CHECK(cost.Seconds() == 10 * 6 * 0.5 / 2 + 40 * 0.25 / 2 + 10);
  CHECK(FormatCost(cost).find("about 30 s: 60 updates x 500 ms and 40 "
                              "judgements by clients x 250 ms on 2 workers, "
                              "5 evaluations x 2 s") != std::string::npos);
}

}  // namespace
}  // namespace tributary::simulation
