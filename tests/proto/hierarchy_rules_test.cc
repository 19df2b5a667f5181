// SPDX-License-Identifier: Apache-2.0
// What stands beside a tree in a plan, and what does not.
#include "proto/codec/hierarchy_rules.h"

#include <functional>
#include <string>

#include "proto/codec/yaml.h"
#include "tests/proto/plans.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

// What validation says of the good plan, whose cohort is 10, with this section.
absl::Status With(const std::string& section, const std::string& more = "") {
  v1::Plan plan;
  REQUIRE(
      ParseYaml(kGoodPlan + "hierarchy: " + section + "\n" + more, "p", plan)
          .ok());
  return ValidatePlan(plan);
}

TEST_CASE("a tree has defaults, and stays valid with them") {
  v1::Plan plan;
  REQUIRE(ParseYaml(kGoodPlan + "hierarchy: {fan_out: [3]}\n", "p", plan).ok());
  CHECK(ValidatePlan(plan).ok());
  const v1::Plan effective = WithDefaults(plan);
  CHECK(ValidatePlan(effective).ok());
  CHECK(effective.hierarchy().min_leaves() == 1);
  CHECK(effective.hierarchy().deadline_share() == 0.8);
  CHECK(effective.hierarchy().edge_rounds() == 1);
}

TEST_CASE("a cohort is dealt out evenly among the aggregators of a tier") {
  v1::Plan plan;
  plan.mutable_round()->set_cohort_size(24);
  plan.mutable_hierarchy()->add_fan_out(3);
  plan.mutable_hierarchy()->add_fan_out(4);
  CHECK(LeavesOfTier(plan, 0) == 24);
  CHECK(LeavesOfTier(plan, 1) == 8);
  CHECK(LeavesOfTier(plan, 2) == 2);
  plan.mutable_round()->set_cohort_size(25);
  CHECK(LeavesOfTier(plan, 1) == 9);
}

TEST_CASE("what a tree cannot keep is refused with the reason") {
  CHECK(Says(With("{fan_out: [11]}"),
             "hierarchy.fan_out: has more aggregators in a tier than "
             "round.cohort_size, 10, has leaves"));
  CHECK(Says(With("{fan_out: [2, 2]}"),
             "hierarchy.fan_out: more than one tier of aggregators is not "
             "built yet"));
  CHECK(Says(With("{fan_out: [2], edge_rounds: 2}"),
             "hierarchy.edge_rounds: more than one is not built yet"));
  CHECK(Says(With("{fan_out: [2], masks: through}"),
             "hierarchy.masks: says nothing without secure_aggregation"));
  CHECK(Says(With("{fan_out: [2]}", "asynchronous: {}\n"),
             "hierarchy: cannot stand beside asynchronous: a sum of a subtree "
             "is of one round"));
  CHECK(Says(With("{fan_out: [2]}", "secure_aggregation: {}\n"),
             "hierarchy: sums of integer updates (secure_aggregation, privacy, "
             "update.encoding: packed) are not built yet in a tree"));
}

}  // namespace
}  // namespace tributary::codec
