// SPDX-License-Identifier: Apache-2.0
// kill -9 of the coordinator between the debit of a release and the release
// itself, in private runs with real clients.
#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "privacy/crypto/random.h"
#include "tests/end_to_end/federation.h"
#include "tests/end_to_end/plans.h"
#include "tests/faults/seeds.h"
#include "tests/faults/spend.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr int kKillsPerRun = 3;

void CheckNothingForFree(const Spend& spend) {
  CHECK(std::includes(spend.charged.begin(), spend.charged.end(),
                      spend.released.begin(), spend.released.end()));
}

// Kills the coordinator as soon as it has charged a release that it had not
// before, and a moment more that the seed says. How many kills fell before the
// release.
int KillBetween(Federation& federation, const std::string& run, int seed) {
  KeyedStream instants(KeyFromSeed(static_cast<std::uint64_t>(seed)), "kill");
  int hits = 0;
  for (int kill = 0; kill < kKillsPerRun; ++kill) {
    const auto end = std::chrono::steady_clock::now() + seconds(90);
    const std::size_t before =
        ReadSpend(federation.database(), run).charged.size();
    while (ReadSpend(federation.database(), run).charged.size() == before) {
      INFO(federation.coordinator().Output());
      REQUIRE(std::chrono::steady_clock::now() < end);
      REQUIRE(federation.coordinator().IsRunning());
      std::this_thread::sleep_for(microseconds(500));
    }
    std::this_thread::sleep_for(microseconds(instants.Below(3'000)));
    federation.KillCoordinator();
    const Spend left = ReadSpend(federation.database(), run);
    CheckNothingForFree(left);
    hits += left.Unreleased().empty() ? 0 : 1;

    federation.StartCoordinator();
    INFO("after kill " << kill + 1);
    REQUIRE(federation.coordinator().Output().find("run resumed") !=
            std::string::npos);
    // What was charged stays charged.
    const Spend after = ReadSpend(federation.database(), run);
    CHECK(std::includes(after.charged.begin(), after.charged.end(),
                        left.charged.begin(), left.charged.end()));
  }
  return hits;
}

void CheckRun(const SmallPlan& plan, int seed,
              const std::vector<std::string>& client_arguments = {}) {
  Federation federation({.clients = plan.clients,
                         .plan = DigitsPlan(plan),
                         .client_arguments = client_arguments});
  federation.StartCoordinator();
  federation.StartAllClients();
  const std::string run = federation.Submit();
  const int hits = KillBetween(federation, run, seed);
  const auto end = federation.WaitForEnd(run, seconds(300));
  INFO(end.dump(1) << "\n" << federation.coordinator().Output());
  REQUIRE(end.at("summary").at("state") == "FINISHED");
  const Spend spend = ReadSpend(federation.database(), run);
  CheckNothingForFree(spend);
  CHECK(spend.released.size() == static_cast<std::size_t>(plan.rounds));
  CHECK(end.at("privacy").at("debits") == spend.charged.size());
  const auto verified = federation.Ctl({"privacy", "verify"});
  INFO(verified.output << verified.errors);
  CHECK(verified.exit == 0);
  // Or the test has looked at nothing.
  CHECK(hits > 0);
}

TEST_CASE(
    "killed between debit and release, a coordinator that adds the noise "
    "charges each model once") {
  ForEachKillSeed([](int seed) {
    // A model that takes a while to make.
    CheckRun({.rounds = 6,
              .encoding = {},
              .max_weight = 1,
              .hidden = 512,
              .seed = {},
              .sections = "privacy: {unit: client, neighbours: replace_one, "
                          "noise: central, sampling: none, delta: 0.001, "
                          "epsilon: 50, population: 4, clipping: {norm: 1}}\n"},
             seed);
  });
}

// Each attempt is charged as it opens, for the coordinator sees its updates one
// by one, so the kill falls between that and any of them.
TEST_CASE(
    "killed after an attempt with local noise was charged, a coordinator "
    "releases nothing that was not") {
  ForEachKillSeed([](int seed) {
    CheckRun({.rounds = 6,
              .encoding = {},
              .max_weight = 1,
              .seed = {},
              .sections = "privacy: {unit: client, neighbours: replace_one, "
                          "noise: local, sampling: none, delta: 0.001, "
                          "epsilon: 50, population: 4, clipping: {norm: 1}}\n"},
             seed);
  });
}

TEST_CASE(
    "killed between debit and release, a coordinator that adds masked updates "
    "charges the lost attempt and the next") {
  ForEachKillSeed([](int seed) {
    CheckRun(
        {.clients = 6,
         .rounds = 5,
         .cohort_size = 6,
         .min_updates = 4,
         .encoding = {},
         .max_weight = 1,
         .hidden = 512,
         .seed = {},
         .sections =
             "secure_aggregation: {min_cohort: 5, corrupt: 0, dropped: 0.3, "
             "adversary: semi_honest, step_deadline: 5s}\n"
             "privacy: {unit: client, neighbours: replace_one, noise: "
             "distributed, sampling: none, delta: 0.001, epsilon: 100, "
             "noise_multiplier: 1, population: 6, clipping: {norm: 1}}\n"},
        seed,
        {"--secure-aggregation", "required", "--min-cohort", "5",
         "--min-survivors", "4", "--adversary", "semi_honest", "--min-corrupt",
         "0", "--min-threshold", "300"});
  });
}

}  // namespace
}  // namespace tributary::testing
