// SPDX-License-Identifier: Apache-2.0
#include "simulation/client_evaluation.h"

#include <cmath>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

// Client k finds what the model's first weight and its number make.
class Judges final : public Participants {
 public:
  std::size_t clients() const override { return 30; }
  std::size_t Examples(std::size_t) const override { return 9; }
  std::unique_ptr<Trainer> MakeTrainer(std::size_t) const override {
    return nullptr;
  }
  // The last ten have nothing to judge on.
  std::size_t TestExamplesOf(std::size_t client) const override {
    return client < 20 ? 3 : 0;
  }
  std::unique_ptr<Trainer> MakeEvaluatorOf(std::size_t client) const override {
    class Judge final : public Trainer {
     public:
      Judge(std::size_t client, const Judges& all)
          : client_(client), all_(all) {}
      absl::StatusOr<TrainResult> Train(const TrainTask&, const Model&,
                                        std::span<float>,
                                        const TaskContext&) override {
        return absl::UnimplementedError("judges only");
      }
      absl::StatusOr<EvaluateResult> Evaluate(const TrainTask&,
                                              const Model& model,
                                              const TaskContext&) override {
        const std::lock_guard lock(all_.mutex);
        all_.judged.insert(client_);
        if (client_ == all_.blind) return absl::OutOfRangeError("the loss");
        return EvaluateResult{
            .examples = 3,
            .metrics = {{"accuracy", model.weights[0] + 0.01 * client_}}};
      }

     private:
      const std::size_t client_;
      const Judges& all_;
    };
    return std::make_unique<Judge>(client, *this);
  }
  std::size_t TestExamples() const override { return 0; }
  std::unique_ptr<Trainer> MakeEvaluator() const override { return nullptr; }

  mutable std::mutex mutex;
  mutable std::set<std::size_t> judged;
  std::size_t blind = 1000;
};

v1::Plan PlanOf(std::uint32_t judges) {
  v1::Plan plan;
  plan.mutable_stop()->set_rounds(7);
  auto& simulation = *plan.mutable_simulation();
  simulation.set_client_test_fraction(0.25);
  simulation.set_client_evaluation_every_rounds(3);
  simulation.set_client_evaluations(judges);
  return plan;
}

Model OneWeight() {
  Model model;
  model.manifest = Manifest({{.name = "weight", .shape = {1}}});
  model.weights = {0};
  return model;
}

TEST_CASE(
    "mean, worst decile and deviation over clients are those counted by "
    "hand") {
  std::vector<round::Metrics> clients;
  for (int k = 0; k < 11; ++k) {
    clients.push_back({{"accuracy", 0.1 * k}, {"loss", 1.0 * k}});
  }
  const auto summary = SummariseClients(clients);
  CHECK(summary.at("client_count") == 11);
  CHECK(summary.at("client_accuracy_mean") == Approx(0.5));
  // Two of eleven: the lowest accuracies, the highest losses.
  CHECK(summary.at("client_accuracy_worst_decile") == Approx(0.05));
  CHECK(summary.at("client_loss_worst_decile") == Approx(9.5));
  // The variance of 0 .. 10 is (11^2 - 1) / 12.
  CHECK(summary.at("client_loss_stddev") == Approx(std::sqrt(10.0)));
  CHECK(SummariseClients({}).empty());
  // What not everybody found is no mean over everybody.
  clients[3].erase("loss");
  CHECK_FALSE(SummariseClients(clients).contains("client_loss_mean"));
}

TEST_CASE("clients judge every so many rounds and the last one") {
  v1::Plan plan = PlanOf(100);
  std::vector<int> rounds;
  for (int round = 1; round <= 7; ++round) {
    if (ClientsJudge(plan, round)) rounds.push_back(round);
  }
  CHECK(rounds == std::vector<int>{3, 6, 7});
  plan.mutable_simulation()->set_client_evaluation_every_rounds(0);
  CHECK_FALSE(ClientsJudge(plan, 6));
  CHECK(ClientsJudge(plan, 7));
  plan.mutable_simulation()->clear_client_test_fraction();
  CHECK_FALSE(ClientsJudge(plan, 7));
}

TEST_CASE("each client judges the released model with its own values") {
  const Judges participants;
  const ClientEvaluation evaluation(PlanOf(100), Key{}, participants);
  OneRank alone;
  SharedWork work(alone, 3, 0);
  const auto plain = evaluation.Judge(OneWeight(), {}, work);
  REQUIRE(plain.ok());
  CHECK(plain->examples == 60);
  CHECK(plain->metrics.at("client_count") == 20);
  CHECK(plain->metrics.at("client_accuracy_mean") == Approx(0.095));
  // Client 4 has a model of its own, client 5 only a residual.
  const std::unordered_map<std::size_t, ClientState> states = {
      {4, {.local = {2}, .places = {{0, 1}}}}, {5, {.residual = {7}}}};
  const auto own = evaluation.Judge(OneWeight(), states, work);
  REQUIRE(own.ok());
  CHECK(own->metrics.at("client_accuracy_mean") == Approx(0.095 + 2.0 / 20));
}

TEST_CASE("of many clients the same few judge each time") {
  const Judges participants;
  const ClientEvaluation evaluation(PlanOf(5), Key{}, participants);
  OneRank alone;
  SharedWork work(alone, 1, 0);
  REQUIRE(evaluation.Judge(OneWeight(), {}, work).ok());
  const auto first = participants.judged;
  CHECK(first.size() == 5);
  CHECK(*first.rbegin() < 20);
  REQUIRE(evaluation.Judge(OneWeight(), {}, work).ok());
  CHECK(participants.judged == first);
  // Another run asks others.
  Key other{};
  other[0] = 1;
  const Judges others;
  const ClientEvaluation elsewhere(PlanOf(5), other, others);
  REQUIRE(elsewhere.Judge(OneWeight(), {}, work).ok());
  CHECK(others.judged != first);
}

TEST_CASE("a client that cannot judge is left out of the count") {
  Judges participants;
  participants.blind = 0;
  const ClientEvaluation evaluation(PlanOf(100), Key{}, participants);
  OneRank alone;
  SharedWork work(alone, 2, 0);
  const auto judged = evaluation.Judge(OneWeight(), {}, work);
  REQUIRE(judged.ok());
  CHECK(judged->metrics.at("client_count") == 19);
  CHECK(judged->metrics.at("client_accuracy_mean") == Approx(0.1));
}

TEST_CASE("where nobody can judge, what kept the last one from it is told") {
  class Nobody final : public Participants {
   public:
    std::size_t clients() const override { return 3; }
    std::size_t Examples(std::size_t) const override { return 1; }
    std::unique_ptr<Trainer> MakeTrainer(std::size_t) const override {
      return nullptr;
    }
    std::size_t TestExamples() const override { return 0; }
    std::unique_ptr<Trainer> MakeEvaluator() const override { return nullptr; }
  };
  const Nobody participants;
  const ClientEvaluation evaluation(PlanOf(100), Key{}, participants);
  OneRank alone;
  SharedWork work(alone, 1, 0);
  CHECK(evaluation.Judge(OneWeight(), {}, work).status().code() ==
        absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace tributary::simulation
