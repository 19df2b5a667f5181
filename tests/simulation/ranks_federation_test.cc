// SPDX-License-Identifier: Apache-2.0
// Made by several ranks, a federation is the one that a single process makes.
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/thread_ranks.h"
#include "tests/simulation/virtual_federation.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

// What a rank sees of a run.
struct Outcomes {
  std::string end;
  std::string model;
  std::uint64_t events = 0;
  std::vector<std::string> rounds;
  std::map<int, round::Metrics> evaluations;
  std::size_t abandoned = 0;
  std::size_t states = 0;
  std::size_t updates = 0;
  friend bool operator==(const Outcomes&, const Outcomes&) = default;
};

std::string TextOf(const RoundSummary& round) {
  std::string text = round.model.Hex() + " " + std::to_string(round.attempt) +
                     " " + std::to_string(round.accepted) + " " +
                     std::to_string(round.aggregates->examples) + " " +
                     std::to_string(round.aggregates->train_loss) + " " +
                     std::to_string(round.committed.time_since_epoch().count());
  for (const Effort& effort : round.efforts) {
    for (const std::uint64_t tasks : effort.tasks) {
      text += " " + std::to_string(tasks);
    }
    text += " " + std::to_string(effort.spent.joules);
  }
  return text;
}

Outcomes OutcomesOf(const FederationPlan& plan) {
  VirtualFederation federation(plan);
  const auto end = federation.Run();
  Outcomes outcomes{
      .end = end.ok() ? end->reason : end.status().ToString(),
      .model = federation.simulation->model().id.Hex(),
      .events = federation.simulation->events(),
      .rounds = {},
      .evaluations = federation.record.evaluations,
      .abandoned = federation.record.abandoned.size(),
      .states = federation.simulation->client_states().size(),
      .updates = static_cast<std::size_t>(federation.record.updates)};
  for (const RoundSummary& round : federation.record.rounds) {
    outcomes.rounds.push_back(TextOf(round));
  }
  return outcomes;
}

// By rank.
std::vector<Outcomes> OnRanks(int size, const FederationPlan& plan) {
  Meeting meeting(size);
  std::vector<Outcomes> outcomes(static_cast<std::size_t>(size));
  OnEveryRank(meeting, [&](Ranks& self) {
    FederationPlan own = plan;
    // The ranks outlive the federation.
    own.ranks = std::shared_ptr<Ranks>(std::shared_ptr<Ranks>(), &self);
    own.workers = 1 + self.rank();
    outcomes[static_cast<std::size_t>(self.rank())] = OutcomesOf(own);
  });
  return outcomes;
}

void CheckSameOnRanks(const FederationPlan& plan) {
  const Outcomes alone = OutcomesOf(plan);
  for (const int size : {2, 3}) {
    std::size_t states = 0;
    for (Outcomes& outcomes : OnRanks(size, plan)) {
      // Each has those of its own clients.
      states += std::exchange(outcomes.states, alone.states);
      CHECK(outcomes.end == alone.end);
      CHECK(outcomes.rounds == alone.rounds);
      CHECK((outcomes == alone));
    }
    CHECK(states == alone.states);
  }
}

FederationPlan Uneven() {
  return {.clients = 40,
          .cohort_size = 10,
          .rounds = 5,
          .examples = [](int client) { return std::size_t(50 + 7 * client); }};
}

TEST_CASE("several ranks make the rounds of one process") {
  CheckSameOnRanks(Uneven());
}

TEST_CASE("ranks share the clients that train from different models") {
  FederationPlan plan = Uneven();
  plan.rounds = 12;
  plan.change = Asynchronously(4, 10);
  CheckSameOnRanks(plan);
}

TEST_CASE("ranks agree on who came too late for an over-selected round") {
  FederationPlan plan = Uneven();
  plan.over_selection = 1.5;
  CheckSameOnRanks(plan);
}

TEST_CASE(
    "ranks agree on who was lost, whose trainer failed, who was refused") {
  FederationPlan plan = Uneven();
  plan.over_selection = 1.3;
  plan.min_updates = 6;
  plan.deadline_seconds = 10;
  plan.fails = [](int client) { return client % 7 == 3; };
  plan.simulation = "dropout: {while_training: 0.1, while_uploading: 0.1}\n";
  CheckSameOnRanks(plan);
}

TEST_CASE("ranks agree on a round that is abandoned and a run that fails") {
  FederationPlan plan = Uneven();
  plan.min_updates = 10;
  plan.deadline_seconds = 5;
  plan.fails = [](int client) { return client >= 4; };
  CheckSameOnRanks(plan);
}

TEST_CASE("clients keep their states on the rank that trains them") {
  FederationPlan plan = Uneven();
  plan.rounds = 12;
  SECTION("error feedback") {
    plan.change = [](v1::Plan& changed) {
      changed.mutable_update()->set_encoding(v1::UpdatePlan::INT8);
    };
  }
  SECTION("SCAFFOLD") {
    plan.change = [](v1::Plan& changed) {
      changed.mutable_strategy()->mutable_scaffold()->set_clients(40);
    };
  }
  SECTION("FedPer") {
    plan.change = [](v1::Plan& changed) {
      changed.mutable_strategy()->mutable_fedper()->add_local("bias");
    };
  }
  CheckSameOnRanks(plan);
}

TEST_CASE("each training is done by one rank only") {
  std::atomic<int> trained = 0;
  FederationPlan plan = Uneven();
  plan.on_training = [&](int) { ++trained; };
  OnRanks(3, plan);
  CHECK(trained == 50);
}

TEST_CASE("a rank that leaves in the middle ends the run of the others") {
  Meeting meeting(2);
  std::string ended;
  std::size_t rounds = 0;
  OnEveryRank(meeting, [&](Ranks& self) {
    FederationPlan plan = Uneven();
    plan.ranks = std::shared_ptr<Ranks>(std::shared_ptr<Ranks>(), &self);
    if (self.rank() == 1) {
      plan.rounds = 2;
      OutcomesOf(plan);
      return self.Leave(absl::UnavailableError("rank 1 is gone"));
    }
    const Outcomes outcomes = OutcomesOf(plan);
    ended = outcomes.end;
    rounds = outcomes.rounds.size();
  });
  CHECK(ended.find("rank 1 is gone") != std::string::npos);
  CHECK(rounds == 2);
}

}  // namespace
}  // namespace tributary::simulation
