// SPDX-License-Identifier: Apache-2.0
// Populations much larger than the cohort: who is drawn, and what it costs.
#include <algorithm>
#include <atomic>
#include <vector>

#include "tests/simulation/virtual_federation.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

// 400 rounds of 5 of 100: each client is expected 20 times. A client that has
// just trained is not asked again at once, so counts vary less than those of
// independent draws: chi-square of 99 degrees of freedom is over 160 less often
// than once in 10,000 seeds.
TEST_CASE("all clients of a large population are asked equally often") {
  std::vector<int> asked(100);
  VirtualFederation federation({.clients = 100,
                                .cohort_size = 5,
                                .rounds = 400,
                                .seed = 5,
                                .on_training = [&](int c) { ++asked[c]; }});
  REQUIRE(federation.Run().ok());
  REQUIRE(federation.record.updates == 2000);
  double chi_square = 0;
  for (const int times : asked)
    chi_square += (times - 20) * (times - 20) / 20.0;
  CHECK(chi_square < 160);
  CHECK(*std::min_element(asked.begin(), asked.end()) > 0);
}

TEST_CASE("a round costs as much as its cohort, not as the population") {
  const auto events = [](int clients) {
    VirtualFederation federation({.clients = clients,
                                  .cohort_size = 20,
                                  .over_selection = 1.5,
                                  .min_updates = 15,
                                  .rounds = 20});
    REQUIRE(federation.Run().ok());
    CHECK(federation.record.rounds.size() == 20);
    return federation.simulation->events();
  };
  const auto few = events(10'000);
  CHECK(few < 20u * 30 * 30);
  CHECK(events(1'000'000) < few + few / 4);
}

TEST_CASE("clients that hold nothing are never asked") {
  std::atomic<int> empty = 0;
  VirtualFederation federation(
      {.clients = 1000,
       .cohort_size = 10,
       .rounds = 20,
       .examples = [](int client) { return std::size_t(client % 2 * 10); },
       .on_training = [&](int client) { empty += client % 2 == 0; }});
  REQUIRE(federation.Run().ok());
  CHECK(federation.record.rounds.size() == 20);
  CHECK(empty == 0);
}

}  // namespace
}  // namespace tributary::simulation
