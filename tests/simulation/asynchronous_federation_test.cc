// SPDX-License-Identifier: Apache-2.0
// Federations that wait for nobody, in virtual time.
#include <chrono>
#include <string>

#include "tests/simulation/virtual_federation.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

// Client i trains for 0.1 s x (i + 1).
FederationPlan Uneven() {
  FederationPlan plan{.clients = 12, .rounds = 10};
  plan.examples = [](int client) { return std::size_t(100 * (client + 1)); };
  plan.change = Asynchronously(3, 6);
  return plan;
}

TEST_CASE("a model is made of every three updates, and each is evaluated") {
  VirtualFederation federation(Uneven());
  REQUIRE(federation.created.ok());
  const auto end = federation.Run();
  REQUIRE(end.ok());
  CHECK(end->end == round::RunEnd::kFinished);
  REQUIRE(federation.record.rounds.size() == 10);
  for (const RoundSummary& round : federation.record.rounds) {
    CHECK(round.accepted == 3);
    REQUIRE(round.aggregates);
    // At most three fresh ones of weight 1,000.
    CHECK(round.aggregates->examples <= 3000);
    CHECK(round.aggregates->examples > 1000);
  }
  CHECK(federation.record.rounds.front().aggregates->examples == 3000);
  CHECK(federation.record.rounds[3].aggregates->examples < 3000);
  CHECK(federation.record.updates == 30);
  CHECK(federation.record.abandoned.empty());
  CHECK(federation.record.evaluations.contains(10));
}

TEST_CASE(
    "the same seed gives the same asynchronous model, whatever the "
    "workers") {
  const auto model = [](std::uint64_t seed, int workers) {
    FederationPlan plan = Uneven();
    plan.seed = seed;
    plan.workers = workers;
    VirtualFederation federation(plan);
    REQUIRE(federation.Run().ok());
    return federation.simulation->model().id.Hex();
  };
  const std::string one = model(1, 1);
  CHECK(model(1, 1) == one);
  CHECK(model(1, 3) == one);
  CHECK(model(2, 1) != one);
}

// With a cohort every round would last as long as the slow one's task, 10 s.
TEST_CASE("one slow client holds nobody up") {
  FederationPlan plan{.clients = 8, .rounds = 12};
  plan.examples = [](int client) { return client == 0 ? 10'000 : 100; };
  plan.change = Asynchronously(2, 8);
  VirtualFederation federation(plan);
  REQUIRE(federation.Run().ok());
  REQUIRE(federation.record.rounds.size() == 12);
  CHECK(federation.record.rounds.back().committed <
        round::Instant(std::chrono::seconds(10)));
}

TEST_CASE("clients that vanish leave their places to others") {
  FederationPlan plan = Uneven();
  plan.deadline_seconds = 5;
  plan.simulation = "dropout: {before_training: 0.2, while_uploading: 0.2}";
  VirtualFederation federation(plan);
  const auto end = federation.Run();
  REQUIRE(end.ok());
  CHECK(end->end == round::RunEnd::kFinished);
  CHECK(federation.record.updates == 30);
}

TEST_CASE("more clients in a model than there are is said before anything") {
  FederationPlan plan{.clients = 4};
  plan.change = Asynchronously(5, 8);
  const VirtualFederation federation(plan);
  CHECK(federation.created.message() ==
        "round.cohort_size: 5 updates of different clients are a model, and "
        "only 4 clients have examples");
}

// One client, so nothing is stale: x <- (1 - a) x + a (x + delta).
TEST_CASE("mixing moves the model by its rate") {
  FederationPlan whole{.clients = 1, .rounds = 1};
  whole.change = Asynchronously(1, 1);
  FederationPlan mixed = whole;
  mixed.change = [](v1::Plan& plan) {
    Asynchronously(1, 1)(plan);
    plan.mutable_asynchronous()->mutable_mixing()->set_rate(0.25);
  };
  VirtualFederation one(whole);
  VirtualFederation other(mixed);
  REQUIRE(one.Run().ok());
  REQUIRE(other.Run().ok());
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(one.simulation->model().weights[i] > 0);
    CHECK(other.simulation->model().weights[i] ==
          Approx(0.25 * one.simulation->model().weights[i]));
  }
}

}  // namespace
}  // namespace tributary::simulation
