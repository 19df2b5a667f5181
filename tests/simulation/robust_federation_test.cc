// SPDX-License-Identifier: Apache-2.0
// Whole rounds under robust rules, of the arithmetic trainer: client k moves
// every weight by up to 1 / (k + 1) a round.
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "proto/codec/yaml.h"
#include "tests/simulation/thread_ranks.h"
#include "tests/simulation/virtual_federation.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

// A plan with this section `robust`; without one if it is empty.
FederationPlan Under(const std::string& robust, FederationPlan plan = {}) {
  plan.change = [robust](v1::Plan& changed) {
    if (robust.empty()) return;
    const absl::Status read =
        codec::ParseYaml(robust, "robust", *changed.mutable_robust());
    if (!read.ok()) throw std::invalid_argument(read.ToString());
  };
  return plan;
}

struct Made {
  std::vector<float> weights;
  std::string model;
  std::vector<RoundSummary> rounds;
};
Made Run(const FederationPlan& plan) {
  VirtualFederation federation(plan);
  INFO(federation.created);
  REQUIRE(federation.created.ok());
  const auto end = federation.Run();
  INFO(end.status());
  REQUIRE(end.ok());
  CHECK(end->end == round::RunEnd::kFinished);
  return {.weights = federation.simulation->model().weights,
          .model = federation.simulation->model().id.Hex(),
          .rounds = federation.record.rounds};
}

const std::vector<std::string> kRules = {
    "{mean: {}}",
    "{median: {}}",
    "{trimmed_mean: {}, adversaries: 2}",
    "{krum: {}, adversaries: 1}",
    "{krum: {selected: 4}, adversaries: 2}",
    "{bulyan: {}, adversaries: 1}",
    "{geometric_median: {}}",
    "{centered_clipping: {radius: 0.1, iterations: 2}}",
    "{mean: {}, pre_steps: [{norm_bound: {norm: 0.1}}]}",
    "{median: {}, pre_steps: [{bucketing: {}}]}",
    "{trimmed_mean: {}, adversaries: 2, pre_steps: "
    "[{nearest_neighbour_mixing: {}}]}"};

const FederationPlan kNine{.clients = 9, .cohort_size = 7, .min_updates = 7};

TEST_CASE("every rule runs, and gives the same bytes for any workers") {
  for (const std::string& rule : kRules) {
    INFO(rule);
    FederationPlan plan = Under(rule, kNine);
    const Made once = Run(plan);
    CHECK(once.rounds.size() == 3);
    CHECK(once.rounds.back().aggregates->examples == 700);
    plan.workers = 3;
    CHECK(Run(plan).model == once.model);
    CHECK(std::abs(once.weights.front()) > 0);
  }
}

TEST_CASE("of a single update every rule makes what the mean makes") {
  const FederationPlan alone{.clients = 1, .cohort_size = 1, .min_updates = 1};
  const Made mean = Run(alone);
  for (const char* rule :
       {"{mean: {}}", "{median: {}}", "{trimmed_mean: {}, adversaries: 0}",
        "{geometric_median: {}}", "{centered_clipping: {}}"}) {
    INFO(rule);
    CHECK(Run(Under(rule, alone)).model == mean.model);
  }
}

TEST_CASE("rule mean is the mean, rounded once more") {
  const Made exact = Run(kNine);
  const Made rounded = Run(Under("{mean: {}}", kNine));
  REQUIRE(exact.weights.size() == rounded.weights.size());
  for (std::size_t i = 0; i < exact.weights.size(); ++i) {
    CHECK(rounded.weights[i] == Approx(exact.weights[i]).epsilon(1e-6));
  }
}

TEST_CASE("a norm bound is as far as the model goes in a round") {
  const Made made =
      Run(Under("{mean: {}, pre_steps: [{norm_bound: {norm: 0.01}}]}", kNine));
  double squared = 0;
  for (const float weight : made.weights) squared += double{weight} * weight;
  // Three rounds, all clients the same way.
  CHECK(std::sqrt(squared) <= 0.03 + 1e-6);
  CHECK(std::sqrt(squared) > 0.02);
}

TEST_CASE("centered clipping begins at the last round's result") {
  FederationPlan plan = kNine;
  plan.rounds = 5;
  const Made made = Run(Under("{centered_clipping: {radius: 0.001}}", plan));
  // Had each round begun at zeros, the model had gone no further than 5 radii.
  // From a center that is kept round t's result is up to t radii long.
  double squared = 0;
  for (const float weight : made.weights) squared += double{weight} * weight;
  CHECK(std::sqrt(squared) > 0.010);
  CHECK(std::sqrt(squared) <= 0.015 + 1e-6);
}

TEST_CASE("adversaries keep no momentum, others do") {
  FederationPlan plan =
      Under("{mean: {}}", {.clients = 4, .cohort_size = 4, .min_updates = 4});
  const auto rule = plan.change;
  plan.change = [rule](v1::Plan& changed) {
    rule(changed);
    changed.mutable_update()->set_momentum(0.9);
    changed.mutable_simulation()->set_clients(4);
    auto& attack = *changed.mutable_simulation()->mutable_attack();
    attack.set_fraction(0.25);
    attack.mutable_bit_flip();
  };
  VirtualFederation federation(plan);
  REQUIRE(federation.created.ok());
  REQUIRE(federation.Run().ok());
  const ClientStates& states = federation.simulation->client_states();
  for (std::size_t k = 0; k < 3; ++k) {
    REQUIRE(states.contains(k));
    CHECK_FALSE(states.at(k).momentum.empty());
  }
  CHECK((!states.contains(3) || states.at(3).momentum.empty()));
}

TEST_CASE("a checkpoint has the center beside the optimizer's state") {
  FederationPlan plan = Under("{centered_clipping: {radius: 0.1}}", kNine);
  const auto rule = plan.change;
  plan.change = [rule](v1::Plan& changed) {
    rule(changed);
    changed.mutable_server_optimizer()->mutable_fedavgm();
  };
  const auto saved = StopTheRun(plan, 1);
  REQUIRE(saved);
  REQUIRE(saved->optimizer_state.size() == 2);
  // After one round m, the center and the model's way are the same.
  CHECK(saved->optimizer_state[0] == saved->optimizer_state[1]);
  CHECK(saved->optimizer_state[1] == saved->models.back().weights);
}

TEST_CASE("rounds say how many updates were outliers, if the rule tells") {
  // Client k's update counts for about (k + 1) times as much as client 0's,
  // which is a twentieth of the mean one of 40.
  const FederationPlan many{
      .clients = 40, .cohort_size = 40, .min_updates = 40};
  const Made told =
      Run(Under("{mean: {}, pre_steps: [{norm_bound: {norm: 0.01}}]}", many));
  for (const RoundSummary& round : told.rounds) {
    REQUIRE(round.outliers);
    CHECK(*round.outliers >= 1);
    CHECK(*round.outliers <= 4);
  }
  const Made untold = Run(Under("{median: {}}", many));
  for (const RoundSummary& round : untold.rounds) CHECK_FALSE(round.outliers);
  CHECK_FALSE(Run(many).rounds.front().outliers);
}

TEST_CASE("buckets are dealt by the run's key") {
  FederationPlan plan =
      Under("{median: {}, pre_steps: [{bucketing: {}}]}", kNine);
  const std::string model = Run(plan).model;
  CHECK(Run(plan).model == model);
  plan.seed = 2;
  CHECK(Run(plan).model != model);
}

TEST_CASE("a robust rule is refused by several ranks, by its key") {
  FederationPlan plan = Under("{median: {}}", kNine);
  Meeting meeting(2);
  plan.ranks = std::make_shared<ThreadRank>(meeting, 0);
  CHECK(VirtualFederation(plan).created.message() ==
        "robust: a rule compares all updates of a round, of which 2 ranks have "
        "a part each; run it without ranks");
}

TEST_CASE("momentum of the clients makes the steps add up") {
  const auto run = [](double momentum) {
    FederationPlan plan;
    plan.rounds = 4;
    plan.change = [momentum](v1::Plan& changed) {
      changed.mutable_update()->set_max_abs(8);
      changed.mutable_update()->set_momentum(momentum);
    };
    return Run(plan).weights.front();
  };
  const float without = run(0);
  // All steps are forward: m is longer than any of them from round 2 on.
  CHECK(run(0.9) > 1.5F * without);
  CHECK(run(0.5) > without);
  CHECK(run(0.5) < run(0.9));
}

}  // namespace
}  // namespace tributary::simulation
