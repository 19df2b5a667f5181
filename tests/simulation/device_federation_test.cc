// SPDX-License-Identifier: Apache-2.0
// Federations of devices that are slow, lost and away.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>

#include "tests/simulation/virtual_federation.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

using std::chrono::seconds;

Effort All(const Record& record) {
  Effort all;
  for (const RoundSummary& round : record.rounds) {
    for (const Effort& each : round.efforts) all += each;
  }
  return all;
}

const char* const kHardWorld =
    "devices:\n"
    "  - {name: phone, share: 3, examples_per_second: {median: 200, sigma: 1},"
    " upload: {median: 100, sigma: 1}, latency: {median: 0.05, sigma: 0.5}}\n"
    "  - {name: gateway, examples_per_second: {median: 5000, sigma: 0.2}}\n"
    "availability: {markov: {mean_on: 30s, mean_off: 20s}}\n"
    "dropout: {before_training: 0.1, while_training: 0.1,"
    " while_uploading: 0.1}\n";

FederationPlan HardFederation(int workers) {
  return {.clients = 300,
          .cohort_size = 20,
          .over_selection = 1.8,
          .min_updates = 12,
          .rounds = 15,
          .deadline_seconds = 20,
          .workers = workers,
          .examples = [](int client) { return std::size_t(50 + client % 90); },
          .simulation = kHardWorld};
}

TEST_CASE(
    "with devices of all kinds the same seed gives the same, whatever "
    "the workers") {
  VirtualFederation one(HardFederation(1));
  VirtualFederation three(HardFederation(3));
  REQUIRE(one.Run().ok());
  REQUIRE(three.Run().ok());
  REQUIRE(one.record.rounds.size() == 15);
  REQUIRE(three.record.rounds.size() == 15);
  for (std::size_t i = 0; i < 15; ++i) {
    CHECK(one.record.rounds[i].model == three.record.rounds[i].model);
    CHECK(one.record.rounds[i].committed == three.record.rounds[i].committed);
    CHECK(one.record.rounds[i].efforts == three.record.rounds[i].efforts);
  }
  const Effort all = All(one.record);
  CHECK(all.Of(Outcome::kCounted) ==
        static_cast<std::uint64_t>(one.record.updates));
  CHECK(all.Of(Outcome::kLate) > 0);
  CHECK(all.Of(Outcome::kUnavailable) > 0);
  CHECK(all.wasted.joules > 0);
  CHECK(all.wasted.joules < all.spent.joules);
}

TEST_CASE("three in ten of every cohort vanish, and the rounds go on") {
  std::atomic<int> trained = 0;
  VirtualFederation federation({.clients = 200,
                                .cohort_size = 20,
                                .over_selection = 1.5,
                                .min_updates = 15,
                                .rounds = 20,
                                .deadline_seconds = 30,
                                .on_training = [&](int) { ++trained; },
                                .simulation = "dropout: {before_training: 0.1,"
                                              " while_training: 0.1,"
                                              " while_uploading: 0.136}"});
  const auto end = federation.Run();
  REQUIRE(end.ok());
  CHECK(end->end == round::RunEnd::kFinished);
  REQUIRE(federation.record.rounds.size() == 20);
  const Effort all = All(federation.record);
  const auto lost = all.Of(Outcome::kLostBefore) +
                    all.Of(Outcome::kLostTraining) +
                    all.Of(Outcome::kLostUploading);
  // 600 tasks, 30 % of them, within four standard deviations.
  CHECK(all.Tasks() == 600);
  CHECK(static_cast<double>(lost) == Approx(180).margin(45));
  // Only what was counted was computed.
  CHECK(trained == federation.record.updates);
  CHECK(all.Of(Outcome::kCounted) ==
        static_cast<std::uint64_t>(federation.record.updates));
}

TEST_CASE("a client that is lost does not return to its round") {
  VirtualFederation federation(
      {.clients = 4,
       .cohort_size = 4,
       .min_updates = 1,
       .rounds = 10,
       .deadline_seconds = 30,
       .simulation = "dropout: {while_training: 0.5}"});
  REQUIRE(federation.Run().ok());
  for (const RoundSummary& round : federation.record.rounds) {
    REQUIRE(round.efforts.size() == 1);
    const Effort& effort = round.efforts.front();
    CHECK(effort.Of(Outcome::kCounted) ==
          static_cast<std::uint64_t>(round.accepted));
    // A client that came back would be offered its task again.
    if (round.attempt == 1) {
      CHECK(effort.Tasks() == static_cast<std::uint64_t>(round.asked));
    }
  }
}

TEST_CASE("slow links make long rounds: model and update over bandwidth") {
  // 16 bytes of weights and a header down, 16 bytes up at 4 a second.
  VirtualFederation federation(
      {.clients = 4,
       .cohort_size = 4,
       .rounds = 1,
       .simulation = "devices: [{name: sensor, upload: {median: 4},"
                     " latency: {median: 0.1}}]"});
  REQUIRE(federation.Run().ok());
  const RoundSummary& round = federation.record.rounds.front();
  // Offered, fetched (two ways and a millisecond), trained 0.1 s, announced,
  // granted, sent.
  CHECK(round.committed - round.opened ==
        round::Duration(100 + 201 + 100 + 200 + 4100));
  CHECK(round.efforts[0].spent.bytes_up == 4 * 16);
  CHECK(round.efforts[0].spent.training_seconds == Approx(0.4));
}

TEST_CASE("clients that are away are not asked") {
  std::atomic<int> trained = 0;
  VirtualFederation federation(
      {.clients = 500,
       .cohort_size = 10,
       .rounds = 30,
       .on_training = [&](int) { ++trained; },
       .simulation = "availability: {daily: {on: 1h}}"});
  REQUIRE(federation.Run().ok());
  CHECK(federation.record.rounds.size() == 30);
  CHECK(trained == 300);
}

TEST_CASE("rounds wait for the day when all clients sleep") {
  VirtualFederation federation({.clients = 10,
                                .cohort_size = 10,
                                .rounds = 40,
                                .deadline_seconds = 3600,
                                .examples = [](int) { return 600'000; },
                                .simulation = "availability: {daily: {on: 2h,"
                                              " spread: 0s}}"});
  const auto end = federation.Run();
  REQUIRE(end.ok());
  CHECK(end->end == round::RunEnd::kFinished);
  // Ten minutes each: at most twelve a day.
  CHECK(federation.record.rounds.back().committed >
        round::Instant(std::chrono::hours(3 * 24)));
}

TEST_CASE("a population that is never there ends the simulation with why") {
  VirtualFederation federation({.clients = 4,
                                .cohort_size = 4,
                                .min_updates = 4,
                                .simulation = "availability: {daily: {on: 1s,"
                                              " spread: 24h}}"});
  const auto end = federation.Run();
  CHECK(end.status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK(end.status().message().find("simulation.availability") !=
        std::string::npos);
}

}  // namespace
}  // namespace tributary::simulation
