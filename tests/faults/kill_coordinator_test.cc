// SPDX-License-Identifier: Apache-2.0
// kill -9 of the coordinator at seeded instants of a run with real clients.
#include <string>

#include "privacy/crypto/random.h"
#include "tests/end_to_end/federation.h"
#include "tests/end_to_end/plans.h"
#include "tests/faults/counted_updates.h"
#include "tests/faults/oracle.h"
#include "tests/faults/seeds.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kKillsPerRun = 3;
// Long enough for every kill to hit a run that is not over.
constexpr int kRounds = 120;

// Starts everything and, once rounds are being released, kills the coordinator
// at instants drawn from the seed; each time it must come back to a run that is
// not over. Waits for the end and returns the run.
std::string RunWithKills(Federation& federation, int seed) {
  KeyedStream instants(KeyFromSeed(static_cast<std::uint64_t>(seed)), "kill");
  federation.StartCoordinator();
  federation.StartAllClients();
  const std::string run = federation.Submit();
  for (int kill = 0; kill < kKillsPerRun; ++kill) {
    // Clients take seconds to start; no instant is wasted on waiting for them.
    federation.WaitFor(run, seconds(60), [&](const nlohmann::json& show) {
      return show.at("summary").at("released_rounds") > kill;
    });
    const milliseconds instant(instants.Below(400));
    const auto ended = federation.coordinator().WaitForExit(instant);
    INFO(federation.coordinator().Output());
    REQUIRE_FALSE(ended.has_value());
    federation.KillCoordinator();
    federation.StartCoordinator();
    INFO("after kill " << kill + 1);
    REQUIRE(federation.coordinator().Output().find("run resumed") !=
            std::string::npos);
  }
  const auto end = federation.WaitForEnd(run, seconds(180));
  INFO(end.dump(1));
  REQUIRE(end.at("summary").at("state") == "FINISHED");
  return run;
}

TEST_CASE(
    "killed at any instant, a run with full participation ends with the model "
    "of an undisturbed run") {
  ForEachKillSeed([](int seed) {
    const SmallPlan plan{.rounds = kRounds, .seed = seed};
    Federation federation({.clients = plan.clients, .plan = DigitsPlan(plan)});
    const std::string run = RunWithKills(federation, seed);
    CheckNoGapAndNoDouble(CountedUpdates(federation.database(), run),
                          plan.rounds, plan.cohort_size);
    CHECK((federation.Model(run) == federation.SimulatedModel()));
  });
}

TEST_CASE(
    "killed at any instant, a run with over-selection ends with the model of "
    "the updates it counted") {
  ForEachKillSeed([](int seed) {
    const SmallPlan plan{.clients = 5,
                         .rounds = kRounds,
                         .cohort_size = 3,
                         .over_selection = 1.6,
                         .min_updates = 3,
                         .seed = seed};
    Federation federation({.clients = plan.clients, .plan = DigitsPlan(plan)});
    const std::string run = RunWithKills(federation, seed);
    const auto counted = CountedUpdates(federation.database(), run);
    CheckNoGapAndNoDouble(counted, plan.rounds, plan.cohort_size);
    const std::string expected =
        OracleModel({.plan = federation.plan_file(),
                     .first_weights = federation.first_weights(),
                     .data = federation.folder() / "data",
                     .scale = 0.0625,
                     .counted = counted});
    CHECK((federation.Model(run) == expected));
  });
}

}  // namespace
}  // namespace tributary::testing
