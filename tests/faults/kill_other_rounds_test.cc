// SPDX-License-Identifier: Apache-2.0
// kill -9 of the coordinator in other rounds than plain ones: under a robust
// rule, and asynchronous.
#include <iostream>
#include <string>

#include "tests/end_to_end/federation.h"
#include "tests/end_to_end/plans.h"
#include "tests/faults/counted_updates.h"
#include "tests/faults/run_with_kills.h"
#include "tests/faults/seeds.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

// Long enough for every kill to hit a run that is not over.
constexpr int kRounds = 120;

TEST_CASE(
    "killed while a robust rule is applied too, a run ends with the model of "
    "an undisturbed run") {
  int kills = 0;
  int before_model = 0;
  ForEachKillSeed([&](int seed) {
    // Each iteration reads the updates from the disk again: the rule takes a
    // good part of a round.
    const std::string rule =
        seed % 5 == 0 ? "median: {}" : "geometric_median: {iterations: 40}";
    const SmallPlan plan{.rounds = kRounds,
                         .seed = seed,
                         .sections = "robust: {" + rule + "}\n"};
    INFO(rule);
    Federation federation({.clients = plan.clients, .plan = DigitsPlan(plan)});
    const KilledRun run = RunWithKills(federation, seed);
    CheckNoGapAndNoDouble(CountedUpdates(federation.database(), run.name),
                          plan.rounds, plan.cohort_size);
    CHECK((federation.Model(run.name) == federation.SimulatedModel()));
    kills += kKillsPerRun;
    before_model += run.before_model;
  });
  std::cout << before_model << " of " << kills
            << " kills hit a round before its model was made\n";
  // Of a single seed all may miss it.
  if (kills >= 5 * kKillsPerRun) CHECK(before_model > 0);
}

// Every client is in every model, for none is in one twice: the model does not
// depend on who comes first. Whoever is in the next one already is told to come
// back after a second at least, which is how long a model takes.
TEST_CASE(
    "killed at any instant, an asynchronous run with full participation ends "
    "with the model of an undisturbed run") {
  ForEachKillSeed([](int seed) {
    const SmallPlan plan{
        .rounds = 12, .seed = seed, .asynchronous = "{concurrency: 8}"};
    Federation federation({.clients = plan.clients, .plan = DigitsPlan(plan)});
    const std::string run = RunWithKills(federation, seed).name;
    CheckNoGapAndNoDouble(CountedUpdates(federation.database(), run),
                          plan.rounds, plan.cohort_size);
    CHECK((federation.Model(run) == federation.SimulatedModel()));
  });
}

}  // namespace
}  // namespace tributary::testing
