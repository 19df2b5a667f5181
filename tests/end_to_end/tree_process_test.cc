// SPDX-License-Identifier: Apache-2.0
// A tree of real processes and the flat federation, same plan and seed, full
// participation: bitwise the same model. TRIBUTARY_TREE=full: 1 root, 3
// aggregators, 24 clients, 10 rounds.
#include <cstdlib>
#include <string>

#include "tests/end_to_end/federation.h"
#include "tests/end_to_end/plans.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

struct Tree {
  int aggregators = 2;
  int clients = 6;
  int rounds = 3;
};
Tree TreeUnderTest() {
  const char* size = std::getenv("TRIBUTARY_TREE");
  if (size == nullptr || std::string(size) != "full") return {};
  return {.aggregators = 3, .clients = 24, .rounds = 10};
}

TEST_CASE("a tree of processes and a flat federation make the same model") {
  const std::string encoding = GENERATE("float32", "int8");
  const Tree tree = TreeUnderTest();
  SmallPlan plan{.clients = tree.clients,
                 .rounds = tree.rounds,
                 .cohort_size = tree.clients,
                 .min_updates = tree.clients,
                 .encoding = encoding};
  const std::string flat = DigitsPlan(plan);
  plan.sections =
      "hierarchy: {fan_out: [" + std::to_string(tree.aggregators) +
      "], min_leaves: " + std::to_string(tree.clients / tree.aggregators) +
      "}\n";
  Federation federation({.clients = tree.clients,
                         .plan = DigitsPlan(plan),
                         .aggregators = tree.aggregators,
                         .simulated_plan = flat});
  federation.StartCoordinator();
  federation.StartAllAggregators();
  federation.StartAllClients();
  const std::string run = federation.Submit();
  const auto end = federation.WaitForEnd(run, std::chrono::seconds(300));
  REQUIRE(end.at("summary").at("state") == "FINISHED");
  for (int i = 0; i < tree.aggregators; ++i) {
    CHECK(federation.aggregator(i).Output().find("sum handed up") !=
          std::string::npos);
  }
  CHECK((federation.Model(run) == federation.SimulatedModel()));
}

}  // namespace
}  // namespace tributary::testing
