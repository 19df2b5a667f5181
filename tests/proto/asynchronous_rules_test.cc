// SPDX-License-Identifier: Apache-2.0
// What stands beside asynchronous rounds in a plan, and what does not.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "proto/codec/yaml.h"
#include "tests/proto/plans.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

// What validation says of the good plan with this section, after one change.
absl::Status After(const std::string& section,
                   const std::function<void(v1::Plan&)>& change = {}) {
  v1::Plan plan;
  REQUIRE(
      ParseYaml(kGoodPlan + "asynchronous: " + section + "\n", "p", plan).ok());
  if (change) change(plan);
  return ValidatePlan(plan);
}

TEST_CASE("asynchronous rounds have defaults, and stay valid with them") {
  v1::Plan plan;
  REQUIRE(ParseYaml(kGoodPlan + "asynchronous: {}\n", "p", plan).ok());
  CHECK(ValidatePlan(plan).ok());
  const v1::Plan effective = WithDefaults(plan);
  CHECK(ValidatePlan(effective).ok());
  const v1::AsynchronousPlan& filled = effective.asynchronous();
  CHECK(filled.concurrency() == 10);
  CHECK(filled.staleness_exponent() == 0.5);
  CHECK(filled.max_staleness() == 100);
  CHECK(filled.has_fedbuff());
  CHECK_FALSE(effective.round().has_over_selection());
  CHECK_FALSE(effective.round().has_min_updates());
  plan.mutable_round()->set_cohort_size(30);
  CHECK(WithDefaults(plan).asynchronous().concurrency() == 30);
}

TEST_CASE("mixing makes a model of each update, with a rate of 0.6") {
  const auto one = [](v1::Plan& plan) {
    plan.mutable_round()->set_cohort_size(1);
  };
  CHECK(After("{mixing: {}}", one).ok());
  CHECK(Says(After("{mixing: {}}"),
             "round.cohort_size: 10 is not 1: asynchronous.mixing makes a "
             "model of each update"));
  CHECK(Says(After("{mixing: {}}",
                   [&](v1::Plan& plan) {
                     one(plan);
                     plan.mutable_server_optimizer()->mutable_fedadam();
                   }),
             "server_optimizer: says nothing beside asynchronous.mixing, which "
             "mixes models; leave it out"));
  v1::Plan plan;
  REQUIRE(
      ParseYaml(kGoodPlan + "asynchronous: {mixing: {}}\n", "p", plan).ok());
  CHECK(WithDefaults(plan).asynchronous().mixing().rate() == 0.6);
}

TEST_CASE("what waits for a cohort says nothing in asynchronous rounds") {
  CHECK(Says(
      After("{}",
            [](auto& plan) { plan.mutable_round()->set_over_selection(1.3); }),
      "round.over_selection: nobody is asked for a round in "
      "asynchronous rounds; leave it out"));
  CHECK(Says(
      After("{}", [](auto& plan) { plan.mutable_round()->set_min_updates(8); }),
      "round.min_updates: exactly cohort_size updates are a model in "
      "asynchronous rounds; leave it out"));
  CHECK(Says(
      After("{}",
            [](auto& plan) {
              plan.mutable_round()->mutable_selection_timeout()->set_seconds(5);
            }),
      "round.selection_timeout: nobody waits to be chosen in "
      "asynchronous rounds; leave it out"));
}

TEST_CASE("a fresh update weighs enough to tell stale ones apart") {
  const auto coarse = [](v1::Plan& plan) {
    plan.mutable_update()->set_max_weight(255);
  };
  CHECK(Says(After("{}", coarse),
             "update.max_weight: 255 is too coarse: in asynchronous rounds it "
             "is what a fresh update weighs, and staler ones weigh a whole "
             "number less; at least 256"));
  CHECK(After("{staleness_exponent: 0}", coarse).ok());
}

TEST_CASE("what asynchronous rounds cannot keep is refused with the reason") {
  const std::vector<std::pair<std::function<void(v1::Plan&)>, std::string>>
      refused = {
          {[](auto& plan) { plan.mutable_secure_aggregation(); },
           "secure_aggregation: masks are of a cohort that answers together"},
          {[](auto& plan) { plan.mutable_privacy(); },
           "privacy: how often a client takes part is not bounded by rounds, "
           "and no accountant here covers that"},
          {[](auto& plan) { plan.mutable_simulation()->mutable_attack(); },
           "simulation.attack: its adversaries know their round's other "
           "updates"},
          {[](auto& plan) { plan.mutable_strategy()->mutable_scaffold(); },
           "strategy.scaffold: its server weighs the updates of one round "
           "against each other"},
      };
  for (const auto& [change, why] : refused) {
    CHECK(
        Says(After("{}", change), "asynchronous: cannot stand beside " + why));
  }
}

TEST_CASE(
    "what is refused beside asynchronous names no key that nobody wrote") {
  const std::vector<std::function<void(v1::Plan&)>> refused = {
      [](auto& plan) { plan.mutable_secure_aggregation(); },
      [](auto& plan) { plan.mutable_privacy(); },
      [](auto& plan) { plan.mutable_robust()->mutable_median(); },
      [](auto& plan) { plan.mutable_robust()->mutable_krum(); },
      [](auto& plan) { plan.mutable_quarantine(); },
  };
  for (const auto& change : refused) {
    v1::Plan plan;
    REQUIRE(ParseYaml(kGoodPlan + "asynchronous: {}\n", "p", plan).ok());
    change(plan);
    for (const v1::Plan& said : {plan, WithDefaults(plan)}) {
      const std::string why(ValidatePlan(said).message());
      INFO(why);
      CHECK(why.find("asynchronous") != std::string::npos);
      CHECK(why.find("over_selection") == std::string::npos);
      CHECK(why.find("min_updates") == std::string::npos);
    }
  }
}

TEST_CASE("there are clients for a model") {
  CHECK(
      Says(After("{}",
                 [](auto& plan) { plan.mutable_simulation()->set_clients(9); }),
           "simulation.clients: 9 is fewer than round.cohort_size 10: no "
           "model could be released"));
}

}  // namespace
}  // namespace tributary::codec
