// SPDX-License-Identifier: Apache-2.0
#include "simulation/declared_exceptions.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

TEST_CASE("a plan that does as real clients do declares nothing") {
  CHECK(DeclaredExceptions(v1::Plan()).empty());
}

TEST_CASE("a time limit is kept by the wall clock, and that is declared") {
  v1::Plan plan;
  plan.mutable_training()->mutable_time_limit()->set_seconds(5);
  const auto exceptions = DeclaredExceptions(plan);
  REQUIRE(exceptions.size() == 1);
  CHECK(exceptions[0].find("training.time_limit: ") == 0);
}

TEST_CASE("skipped masks and seeded noise are declared") {
  v1::Plan plan;
  plan.mutable_secure_aggregation();
  CHECK(DeclaredExceptions(plan).empty());
  plan.mutable_simulation()->set_skip_masks(true);
  plan.mutable_privacy();
  const auto exceptions = DeclaredExceptions(plan);
  REQUIRE(exceptions.size() == 2);
  CHECK(exceptions[0].find("simulation.skip_masks: ") == 0);
  CHECK(exceptions[1].find("privacy: ") == 0);
}

TEST_CASE("an attack is declared, with its adversaries") {
  v1::Plan plan;
  plan.mutable_simulation()->set_clients(25);
  plan.mutable_simulation()->mutable_attack()->set_fraction(0.2);
  plan.mutable_simulation()->mutable_attack()->mutable_alie();
  const auto exceptions = DeclaredExceptions(plan);
  REQUIRE(exceptions.size() == 1);
  CHECK(exceptions[0].find("simulation.attack: 5 of the 25 clients are "
                           "adversaries (alie)") == 0);
}

}  // namespace
}  // namespace tributary::simulation
