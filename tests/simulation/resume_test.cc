// SPDX-License-Identifier: Apache-2.0
// Interrupted between any two rounds and resumed, a federation is the one that
// was never interrupted.
#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/virtual_federation.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

// What a run leaves, to be compared.
struct Outcomes {
  std::vector<RoundSummary> rounds;
  std::map<int, round::Metrics> evaluations;
  std::size_t abandoned = 0;
  std::string model;
  std::uint64_t events = 0;
  ClientStates states;
};

Outcomes OutcomesOf(const VirtualFederation& federation) {
  return {.rounds = federation.record.rounds,
          .evaluations = federation.record.evaluations,
          .abandoned = federation.record.abandoned.size(),
          .model = federation.simulation->model().id.Hex(),
          .events = federation.simulation->events(),
          .states = federation.simulation->client_states()};
}

void CheckEqual(const Outcomes& a, const Outcomes& b) {
  CHECK(a.model == b.model);
  CHECK(a.events == b.events);
  CHECK(a.evaluations == b.evaluations);
  CHECK(a.abandoned == b.abandoned);
  CHECK((a.states == b.states));
  REQUIRE(a.rounds.size() == b.rounds.size());
  for (std::size_t i = 0; i < a.rounds.size(); ++i) {
    CHECK(a.rounds[i].model == b.rounds[i].model);
    CHECK(a.rounds[i].committed == b.rounds[i].committed);
    CHECK(a.rounds[i].accepted == b.rounds[i].accepted);
    CHECK(a.rounds[i].aggregates == b.rounds[i].aggregates);
    CHECK(a.rounds[i].outliers == b.rounds[i].outliers);
    CHECK(a.rounds[i].efforts == b.rounds[i].efforts);
  }
}

// Interrupts the plan at each of its ends of rounds and attempts.
void CheckEveryInterruption(const FederationPlan& plan) {
  VirtualFederation undisturbed(plan);
  REQUIRE(undisturbed.created.ok());
  REQUIRE(undisturbed.Run().ok());
  const Outcomes expected = OutcomesOf(undisturbed);
  REQUIRE(expected.rounds.size() > 2);
  int interruptions = 0;
  for (;; ++interruptions) {
    auto saved = StopTheRun(plan, interruptions);
    if (!saved) break;
    INFO("interrupted before round " << saved->engine.round);
    std::atomic<int> trained = 0;
    FederationPlan again = plan;
    // Any number of workers goes on.
    again.workers = 1 + interruptions % 2;
    again.on_training = [&](int) { ++trained; };
    VirtualFederation resumed(again);
    REQUIRE(resumed.created.ok());
    const auto released = static_cast<std::size_t>(saved->engine.round - 1);
    REQUIRE(resumed.simulation->Resume(*std::move(saved)).ok());
    CHECK(trained == 0);
    CHECK(resumed.record.rounds.size() == released);
    REQUIRE(resumed.Run().ok());
    CheckEqual(OutcomesOf(resumed), expected);
  }
  CHECK(interruptions >= static_cast<int>(expected.rounds.size()));
}

FederationPlan Skewed() {
  return {.clients = 12,
          .cohort_size = 5,
          .over_selection = 1.4,
          .rounds = 6,
          .examples = [](int client) { return std::size_t(50 + 7 * client); }};
}

TEST_CASE("an interrupted federation in which all take part goes on") {
  CheckEveryInterruption({.clients = 4, .cohort_size = 4, .rounds = 5});
}

// Clients train from older models when it is interrupted.
TEST_CASE("an interrupted federation of asynchronous rounds goes on") {
  FederationPlan plan = Skewed();
  plan.rounds = 12;
  plan.workers = GENERATE(1, 2);
  plan.change = Asynchronously(2, 5);
  plan.simulation = GENERATE("", "dropout: {while_training: 0.2}");
  CheckEveryInterruption(plan);
}

TEST_CASE("an interrupted federation that mixes models goes on") {
  FederationPlan plan = Skewed();
  plan.rounds = 15;
  plan.change = [](v1::Plan& changed) {
    Asynchronously(1, 4)(changed);
    changed.mutable_asynchronous()->mutable_mixing()->set_rate(0.5);
  };
  CheckEveryInterruption(plan);
}

TEST_CASE("an interrupted federation of many goes on, of two workers too") {
  FederationPlan plan = Skewed();
  plan.workers = 2;
  CheckEveryInterruption(plan);
}

TEST_CASE("an interrupted federation of lost and absent devices goes on") {
  CheckEveryInterruption(
      {.clients = 60,
       .cohort_size = 8,
       .over_selection = 1.8,
       .min_updates = 5,
       .rounds = 8,
       .deadline_seconds = 20,
       .examples = [](int client) { return std::size_t(50 + client % 90); },
       .fails = [](int client) { return client % 7 == 0; },
       .simulation =
           "devices:\n"
           "  - {name: phone, share: 3, examples_per_second: {median: 200,"
           " sigma: 1}, latency: {median: 0.05, sigma: 0.5}}\n"
           "  - {name: gateway, examples_per_second: {median: 5000}}\n"
           "availability: {markov: {mean_on: 30s, mean_off: 20s}}\n"
           "dropout: {before_training: 0.1, while_training: 0.1,"
           " while_uploading: 0.1}\n"});
}

TEST_CASE("a federation that abandons attempts goes on between them") {
  FederationPlan plan{.clients = 6,
                      .cohort_size = 4,
                      .min_updates = 4,
                      .rounds = 4,
                      .deadline_seconds = 10,
                      .simulation = "dropout: {while_training: 0.2}"};
  plan.change = [](v1::Plan& changed) {
    changed.mutable_round()->set_max_attempts(50);
  };
  VirtualFederation federation(plan);
  REQUIRE(federation.Run().ok());
  REQUIRE(federation.record.abandoned.size() > 1);
  CheckEveryInterruption(plan);
}

TEST_CASE("slow evaluations are on the way while the federation stops") {
  FederationPlan plan = Skewed();
  plan.test_examples = 30'000'000;  // ten virtual seconds
  CheckEveryInterruption(plan);
}

TEST_CASE("client states and the optimizer's go on with the federation") {
  FederationPlan plan = Skewed();
  SECTION("SCAFFOLD") {
    plan.change = [](v1::Plan& changed) {
      changed.mutable_strategy()->mutable_scaffold()->set_clients(12);
    };
  }
  SECTION("FedAdam") {
    plan.change = [](v1::Plan& changed) {
      auto* adam = changed.mutable_server_optimizer()->mutable_fedadam();
      adam->set_learning_rate(0.1);
    };
  }
  SECTION("FedPer") {
    plan.change = [](v1::Plan& changed) {
      changed.mutable_strategy()->mutable_fedper()->add_local("bias");
    };
  }
  SECTION("int8 with its residuals") {
    plan.change = [](v1::Plan& changed) {
      changed.mutable_update()->set_encoding(v1::UpdatePlan::INT8);
    };
  }
  SECTION("top-k with its residuals") {
    plan.change = [](v1::Plan& changed) {
      changed.mutable_update()->set_encoding(v1::UpdatePlan::TOP_K);
      changed.mutable_update()->set_top_k_fraction(0.5);
    };
  }
  SECTION("momentum of the clients") {
    plan.change = [](v1::Plan& changed) {
      changed.mutable_update()->set_momentum(0.9);
    };
  }
  SECTION("centered clipping with its center") {
    plan.change = [](v1::Plan& changed) {
      changed.mutable_update()->set_momentum(0.9);
      changed.mutable_robust()->mutable_centered_clipping()->set_radius(0.1);
      changed.mutable_server_optimizer()->mutable_fedadam();
    };
  }
  SECTION("a robust rule with its buckets") {
    plan.change = [](v1::Plan& changed) {
      changed.mutable_robust()->mutable_median();
      changed.mutable_robust()->add_pre_steps()->mutable_bucketing();
    };
  }
  CheckEveryInterruption(plan);
}

TEST_CASE("adversaries go on with what they knew") {
  FederationPlan plan = Skewed();
  const auto attacked = [](const auto& attack) {
    return [attack](v1::Plan& changed) {
      changed.mutable_robust()->mutable_mean();
      changed.mutable_simulation()->set_clients(12);
      auto& chosen = *changed.mutable_simulation()->mutable_attack();
      chosen.set_fraction(0.25);
      attack(chosen);
    };
  };
  SECTION("mimics keep to whom they copied") {
    plan.change = attacked([](auto& attack) { attack.mutable_mimic(); });
  }
  SECTION("free riders go by the last release") {
    plan.change = attacked([](auto& attack) { attack.mutable_free_riders(); });
  }
  SECTION("noise is that of the round") {
    plan.change = attacked(
        [](auto& attack) { attack.mutable_gaussian()->set_deviation(0.1); });
  }
  CheckEveryInterruption(plan);
}

TEST_CASE("a federation may be interrupted again and again") {
  const FederationPlan plan = Skewed();
  VirtualFederation undisturbed(plan);
  REQUIRE(undisturbed.Run().ok());
  std::optional<Checkpoint> saved;
  // Stopped each time one round later.
  for (int round = 1; round <= plan.rounds; ++round) {
    saved = StopTheRun(plan, 1, std::move(saved));
    REQUIRE(saved);
  }
  VirtualFederation resumed(plan);
  REQUIRE(resumed.simulation->Resume(*std::move(saved)).ok());
  REQUIRE(resumed.Run().ok());
  CheckEqual(OutcomesOf(resumed), OutcomesOf(undisturbed));
}

TEST_CASE("a checkpoint of another run is refused") {
  const auto saved = StopTheRun(Skewed(), 3);
  REQUIRE(saved);
  const auto resume = [](const FederationPlan& plan, Checkpoint checkpoint) {
    VirtualFederation federation(plan);
    return federation.simulation->Resume(std::move(checkpoint)).code();
  };
  using enum absl::StatusCode;
  CHECK(resume(Skewed(), *saved) == kOk);

  FederationPlan other = Skewed();
  other.seed = 2;
  CHECK(resume(other, *saved) == kFailedPrecondition);
  other = Skewed();
  other.clients = 13;
  CHECK(resume(other, *saved) == kFailedPrecondition);

  Checkpoint changed = *saved;
  changed.journal.updates.pop_back();
  CHECK(resume(Skewed(), changed) == kFailedPrecondition);
  changed = *saved;
  changed.journal.updates.front().weight = 0;
  CHECK(resume(Skewed(), changed) == kFailedPrecondition);
  changed = *saved;
  changed.journal.releases.back() = {};
  CHECK(resume(Skewed(), changed) == kFailedPrecondition);
  changed = *saved;
  changed.events = ~std::uint64_t{0};
  CHECK(resume(Skewed(), changed) == kFailedPrecondition);
  changed = *saved;
  ++changed.engine.refusals[round::Refusal::kTooLate];
  CHECK(resume(Skewed(), changed) == kFailedPrecondition);
  changed = *saved;
  changed.models.pop_back();
  CHECK(resume(Skewed(), changed) == kDataLoss);
  changed = *saved;
  changed.models.back().weights.front() += 1;
  CHECK(resume(Skewed(), changed) == kDataLoss);
  changed = *saved;
  changed.optimizer_state.emplace_back();
  CHECK(resume(Skewed(), changed) == kDataLoss);
}

}  // namespace
}  // namespace tributary::simulation
