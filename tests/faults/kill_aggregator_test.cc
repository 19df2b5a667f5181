// SPDX-License-Identifier: Apache-2.0
// kill -9 of an aggregator at seeded instants of a run with real clients.
// Everybody takes part in every round, so that the model of the flat federation
// comes out only if each client's update counts once in each.
#include <string>

#include "privacy/crypto/random.h"
#include "tests/end_to_end/federation.h"
#include "tests/end_to_end/plans.h"
#include "tests/faults/seeds.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kAggregators = 2;
constexpr int kClients = 4;
// Killed so often and brought back, and then once more and left.
constexpr int kRestarts = 2;
constexpr int kRounds = 30;

TEST_CASE(
    "aggregators killed at any instant, restarted or not, leave a run that "
    "counts each update once") {
  ForEachKillSeed([](int seed) {
    KeyedStream instants(KeyFromSeed(static_cast<std::uint64_t>(seed)), "kill");
    SmallPlan plan{.clients = kClients,
                   .rounds = kRounds,
                   .cohort_size = kClients,
                   .min_updates = kClients,
                   .seed = seed};
    const std::string flat = DigitsPlan(plan);
    plan.sections =
        "hierarchy: {fan_out: [" + std::to_string(kAggregators) +
        "], min_leaves: " + std::to_string(kClients / kAggregators) + "}\n";
    std::string tree = DigitsPlan(plan);
    // An attempt that lost its aggregator is over soon.
    const std::string slow = "deadline: 60s";
    tree.replace(tree.find(slow), slow.size(), "deadline: 5s");
    Federation federation({.clients = kClients,
                           .plan = tree,
                           .aggregators = kAggregators,
                           .simulated_plan = flat});
    federation.StartCoordinator();
    federation.StartAllAggregators();
    federation.StartAllClients();
    const std::string run = federation.Submit();
    int released = 0;
    for (int kill = 0; kill <= kRestarts; ++kill) {
      const auto show =
          federation.WaitFor(run, seconds(120), [&](const nlohmann::json& now) {
            return now.at("summary").at("released_rounds") > released;
          });
      released = show.at("summary").at("released_rounds");
      const int victim = static_cast<int>(instants.Below(kAggregators));
      const milliseconds instant(instants.Below(400));
      REQUIRE_FALSE(federation.coordinator().WaitForExit(instant).has_value());
      federation.KillAggregator(victim);
      if (kill < kRestarts) federation.StartAggregator(victim);
    }
    const auto end = federation.WaitForEnd(run, seconds(300));
    INFO(end.dump(1));
    REQUIRE(end.at("summary").at("state") == "FINISHED");
    CHECK((federation.Model(run) == federation.SimulatedModel()));
  });
}

}  // namespace
}  // namespace tributary::testing
