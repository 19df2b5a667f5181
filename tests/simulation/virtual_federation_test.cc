// SPDX-License-Identifier: Apache-2.0
// Federations in virtual time: who is lost, who is slow, who is too many.
#include "tests/simulation/virtual_federation.h"

#include <atomic>
#include <chrono>
#include <future>
#include <vector>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

using std::chrono::seconds;

round::Instant At(int when) { return round::Instant(seconds(when)); }

TEST_CASE("all take part in every round, and every round is evaluated") {
  VirtualFederation federation({.clients = 4, .cohort_size = 4, .rounds = 3});
  const auto end = federation.Run();
  REQUIRE(end.ok());
  CHECK(end->end == round::RunEnd::kFinished);
  REQUIRE(federation.record.rounds.size() == 3);
  for (const RoundSummary& round : federation.record.rounds) {
    CHECK(round.asked == 4);
    CHECK(round.accepted == 4);
    REQUIRE(round.aggregates);
    CHECK(round.aggregates->examples == 400);
    CHECK(round.aggregates->train_loss == Approx(1.0 / round.round));
  }
  CHECK(federation.record.updates == 12);
  CHECK(federation.record.evaluations.size() == 3);
  CHECK(federation.record.evaluations.at(3).at("first_weight") ==
        Approx(federation.simulation->model().weights.front()));
  CHECK(federation.simulation->model().id ==
        federation.record.rounds.back().model);
}

TEST_CASE("the same seed gives the same model, whatever the workers") {
  const auto model = [](std::uint64_t seed, int workers) {
    VirtualFederation federation(
        {.clients = 40,
         .cohort_size = 10,
         .over_selection = 1.5,
         .rounds = 5,
         .workers = workers,
         .seed = seed,
         .examples = [](int client) { return std::size_t(50 + 7 * client); }});
    REQUIRE(federation.Run().ok());
    return federation.simulation->model().id.Hex();
  };
  const std::string one = model(1, 1);
  CHECK(model(1, 1) == one);
  CHECK(model(1, 4) == one);
  CHECK(model(2, 1) != one);
}

TEST_CASE("of an update that ends up as no number nothing is in the model") {
  FederationPlan diverging{.clients = 5, .cohort_size = 5, .min_updates = 2};
  diverging.workers = GENERATE(1, 3);
  FederationPlan failing = diverging;
  diverging.diverges = [](int client) { return client % 2 == 1; };
  failing.fails = diverging.diverges;
  VirtualFederation one(diverging);
  VirtualFederation other(failing);
  REQUIRE(one.Run().ok());
  REQUIRE(other.Run().ok());
  REQUIRE(one.record.rounds.size() == 3);
  CHECK(one.record.rounds.back().accepted == 3);
  CHECK(one.record.rounds.back().model == other.record.rounds.back().model);
}

TEST_CASE("of a client that is lost after its work nothing is in the model") {
  // The first client ends its work once the last one has begun its own, which
  // is due after it was switched off.
  std::promise<void> begun;
  const std::shared_future<void> last_has_begun = begun.get_future().share();
  FederationPlan plan{.rounds = 1, .workers = 2};
  plan.examples = [](int client) { return client == 3 ? 5000 : 100; };
  FederationPlan failing = plan;
  failing.fails = [](int client) { return client == 3; };
  plan.on_training = [&](int client) {
    static std::atomic<bool> is_first = true;
    if (client == 3 && is_first.exchange(false)) begun.set_value();
    if (client == 0) last_has_begun.wait();
  };
  VirtualFederation lost(plan);
  lost.simulation->SwitchOffAt(At(4), "client-0003");
  VirtualFederation failed(failing);
  REQUIRE(lost.Run().ok());
  REQUIRE(failed.Run().ok());
  REQUIRE(lost.record.rounds.size() == 1);
  CHECK(lost.record.rounds.front().accepted == 3);
  CHECK(lost.record.rounds.front().model == failed.record.rounds.front().model);
}

TEST_CASE("updates added where they are made give the model of those sent") {
  // A time limit that is never reached: what a clock may cut short is sent.
  FederationPlan added{.clients = 12, .cohort_size = 6};
  added.over_selection = GENERATE(1.0, 1.5);
  added.workers = GENERATE(1, 2);
  added.examples = [](int client) { return std::size_t(50 + 7 * client); };
  FederationPlan sent = added;
  sent.change = [](v1::Plan& plan) {
    plan.mutable_training()->mutable_time_limit()->set_seconds(3600);
  };
  VirtualFederation one(added);
  VirtualFederation other(sent);
  REQUIRE(one.Run().ok());
  REQUIRE(other.Run().ok());
  CHECK(one.record.rounds.back().model == other.record.rounds.back().model);
}

TEST_CASE("of the clients asked only those the round takes are trained") {
  std::atomic<int> trained = 0;
  FederationPlan plan{.clients = 8, .cohort_size = 4, .over_selection = 2};
  plan.workers = GENERATE(1, 2, 4);
  plan.on_training = [&](int) { ++trained; };
  VirtualFederation federation(plan);
  REQUIRE(federation.Run().ok());
  CHECK(federation.record.rounds.front().asked == 8);
  CHECK(trained == 12);
}

TEST_CASE("with over-selection the round does not wait for the slow") {
  // Client 0 holds 50,000 examples: 50 s of training. The others need 0.1 s.
  VirtualFederation federation({.clients = 5,
                                .cohort_size = 4,
                                .over_selection = 1.25,
                                .rounds = 4,
                                .examples = [](int client) {
                                  return std::size_t(client == 0 ? 50000 : 100);
                                }});
  REQUIRE(federation.Run().ok());
  REQUIRE(federation.record.rounds.size() == 4);
  for (const RoundSummary& round : federation.record.rounds) {
    CHECK(round.accepted == 4);
    REQUIRE(round.aggregates);
    CHECK(round.aggregates->examples == 400);
    CHECK(round.committed - round.opened < seconds(2));
  }
}

TEST_CASE(
    "a straggler past the deadline is left out, with a quorum of others") {
  VirtualFederation federation({.clients = 4,
                                .cohort_size = 4,
                                .min_updates = 3,
                                .rounds = 1,
                                .deadline_seconds = 10,
                                .examples = [](int client) {
                                  return std::size_t(client == 0 ? 50000 : 100);
                                }});
  REQUIRE(federation.Run().ok());
  REQUIRE(federation.record.rounds.size() == 1);
  const RoundSummary& round = federation.record.rounds.front();
  CHECK(round.accepted == 3);
  CHECK(round.committed - round.opened == seconds(10));
}

TEST_CASE("clients that never return do not stop the rounds") {
  VirtualFederation federation({.clients = 10,
                                .cohort_size = 7,
                                .over_selection = 1.4,
                                .min_updates = 6,
                                .rounds = 5,
                                .deadline_seconds = 10});
  federation.simulation->SwitchOffAt(At(2), "client-0003");
  federation.simulation->SwitchOffAt(At(3), "client-0007");
  federation.simulation->SwitchOffAt(At(4), "client-0008");
  const auto end = federation.Run();
  REQUIRE(end.ok());
  CHECK(end->end == round::RunEnd::kFinished);
  REQUIRE(federation.record.rounds.size() == 5);
  for (const RoundSummary& round : federation.record.rounds) {
    CHECK(round.accepted >= 6);
  }
}

TEST_CASE("a round that loses its quorum is abandoned, and the run fails") {
  VirtualFederation federation(
      {.clients = 4,
       .cohort_size = 4,
       .min_updates = 3,
       .deadline_seconds = 10,
       .fails = [](int client) { return client >= 2; }});
  const auto end = federation.Run();
  REQUIRE(end.ok());
  CHECK(end->end == round::RunEnd::kFailed);
  CHECK(federation.record.abandoned.size() == 2);
  CHECK(federation.record.rounds.empty());
}

TEST_CASE("when nobody is left the simulation says so") {
  VirtualFederation federation({.clients = 2, .cohort_size = 2});
  federation.simulation->SwitchOffAt(At(0), "client-0000");
  federation.simulation->SwitchOffAt(At(0), "client-0001");
  const auto end = federation.Run();
  CHECK(end.status().code() == absl::StatusCode::kFailedPrecondition);
}

TEST_CASE("an interrupted simulation stops where it is") {
  VirtualFederation federation({.clients = 4});
  StopAt at_once(0);
  const auto end = federation.simulation->Run(at_once);
  REQUIRE(end.ok());
  CHECK(end->end == round::RunEnd::kStopped);
}

TEST_CASE("a quorum larger than the population is an error") {
  VirtualFederation federation(
      {.clients = 3, .cohort_size = 4, .min_updates = 4});
  CHECK(federation.created.message() ==
        "round.min_updates: 4 exceeds the 3 clients with examples");
}

// All end their training at the same instant; a straggler holds ten times as
// much.
TEST_CASE("what cannot count any more is never trained") {
  for (const std::size_t straggling : {100, 1000}) {
    std::atomic<int> trained = 0;
    VirtualFederation federation(
        {.clients = 26,
         .cohort_size = 20,
         .over_selection = 1.3,
         .rounds = 5,
         .examples = [=](int client) { return client < 6 ? straggling : 100; },
         .on_training = [&](int) { ++trained; }});
    REQUIRE(federation.Run().ok());
    CHECK(federation.record.rounds.back().asked == 26);
    CHECK(federation.record.updates == 5 * 20);
    CHECK(trained == 5 * 20);
  }
}

TEST_CASE("who would be late at the deadline is never trained") {
  std::atomic<int> trained = 0;
  VirtualFederation federation(
      {.clients = 4,
       .cohort_size = 4,
       .min_updates = 3,
       .rounds = 1,
       .deadline_seconds = 10,
       .examples =
           [](int client) { return std::size_t(client == 0 ? 50000 : 100); },
       .on_training = [&](int) { ++trained; }});
  REQUIRE(federation.Run().ok());
  CHECK(trained == 3);
}

TEST_CASE("ten thousand clients are no problem") {
  VirtualFederation federation({.clients = 10000,
                                .cohort_size = 1000,
                                .over_selection = 1.3,
                                .min_updates = 800,
                                .rounds = 3});
  const auto end = federation.Run();
  REQUIRE(end.ok());
  REQUIRE(federation.record.rounds.size() == 3);
  CHECK(federation.record.rounds.back().accepted == 1000);
}

}  // namespace
}  // namespace tributary::simulation
