// SPDX-License-Identifier: Apache-2.0
// kill -9 of the coordinator at seeded instants of a run with real clients.
#include <string>

#include "tests/end_to_end/federation.h"
#include "tests/end_to_end/plans.h"
#include "tests/faults/counted_updates.h"
#include "tests/faults/oracle.h"
#include "tests/faults/run_with_kills.h"
#include "tests/faults/seeds.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

// Long enough for every kill to hit a run that is not over.
constexpr int kRounds = 120;

TEST_CASE(
    "killed at any instant, a run with full participation ends with the model "
    "of an undisturbed run") {
  ForEachKillSeed([](int seed) {
    const SmallPlan plan{.rounds = kRounds, .seed = seed};
    Federation federation({.clients = plan.clients, .plan = DigitsPlan(plan)});
    const std::string run = RunWithKills(federation, seed).name;
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
    const std::string run = RunWithKills(federation, seed).name;
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
