// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "coordinator/round/pace.h"
#include "tests/coordinator/round/round_fixture.h"

#include "tests/catch.h"

namespace tributary::round {
namespace {

Options OverSelecting() {
  Options options = RoundFixture::SmallRounds();
  options.over_selection = 1.3;  // asks four
  return options;
}

std::set<std::string> Offered(const std::vector<Effect>& effects) {
  std::set<std::string> clients;
  for (const Effect& effect : effects) {
    if (const auto* offer = std::get_if<OfferTask>(&effect)) {
      clients.insert(offer->client.name);
    }
  }
  return clients;
}

TEST_CASE_METHOD(RoundFixture, "a round opens when enough clients wait") {
  CHECK(CheckIn({"cid", "ann"}) == "");
  CHECK(ChecksIn("bob") ==
        "open round 1.1 from model-0; "
        "offer ann the training of round 1.1 from model-0 by 60s; "
        "offer bob the training of round 1.1 from model-0 by 60s; "
        "offer cid the training of round 1.1 from model-0 by 60s");
  CHECK(WakesAt() == 60s);
  CHECK(state().waiting.empty());
}

TEST_CASE_METHOD(RoundFixture,
                 "a round with quorum opens when the selection times out") {
  CheckIn({"ann"});
  AdvanceTo(4s);
  ChecksIn("bob");
  CHECK(WakesAt() == 14s);
  CHECK(AdvanceTo(13s) == "");
  CHECK(AdvanceTo(14s) ==
        "open round 1.1 from model-0; "
        "offer ann the training of round 1.1 from model-0 by 74s; "
        "offer bob the training of round 1.1 from model-0 by 74s");
}

TEST_CASE_METHOD(RoundFixture, "a lost quorum starts the wait anew") {
  CheckIn({"ann", "bob"});
  AdvanceTo(5s);
  Leaves("bob");
  CHECK_FALSE(WakesAt().has_value());
  AdvanceTo(8s);
  ChecksIn("cid");
  CHECK(WakesAt() == 18s);
}

TEST_CASE_METHOD(RoundFixture, "a client that waits already is counted once") {
  CHECK(CheckIn({"ann", "ann", "ann", "bob"}) == "");
  CHECK(state().waiting.size() == 2);
}

TEST_CASE_METHOD(RoundFixture, "more are asked than are needed") {
  StartRunWith(OverSelecting());
  CheckIn({"ann", "bob", "cid"});
  CHECK(state().waiting.size() == 3);
  ChecksIn("dan");
  CHECK(Offered(effects()).size() == 4);
}

TEST_CASE_METHOD(RoundFixture,
                 "who checks in while a round collects is kept for the next") {
  CheckIn({"ann", "bob", "cid"});
  CHECK(CheckIn({"dan", "eli", "fay"}) == "");
  Return({"ann", "bob", "cid"});
  ModelIsMade();
  CHECK(Offered(effects()) == std::set<std::string>{"dan", "eli", "fay"});
}

TEST_CASE_METHOD(RoundFixture,
                 "a client with an open task is offered it again") {
  CheckIn({"ann", "bob", "cid"});
  const Task first = TaskOf("ann");
  AdvanceTo(20s);
  Leaves("ann");
  CHECK(ChecksIn("ann") ==
        "offer ann the training of round 1.1 from model-0 by 60s");
  CHECK(TaskOf("ann") == first);
}

TEST_CASE_METHOD(RoundFixture,
                 "a client that returned its update waits for the next round") {
  CheckIn({"ann", "bob", "cid"});
  Returns("ann");
  CHECK(ChecksIn("ann") == "");
  CHECK(state().waiting.contains(ClientId{"ann"}));
}

TEST_CASE_METHOD(RoundFixture,
                 "whoever was asked last waits only if too few others do") {
  CheckIn({"ann", "bob", "cid"});
  CheckIn({"dan", "eli"});
  Return({"ann", "bob", "cid"});
  // In its round still, then after it: a third place is left, once.
  CHECK(ChecksIn("ann") == "");
  ChecksIn("bob");
  CHECK(std::holds_alternative<ComeBack>(effects().front()));
  ModelIsMade();
  CHECK(Offered(effects()) == std::set<std::string>{"ann", "dan", "eli"});
  // Asked in the round before this one; nobody else waits now.
  CHECK(CheckIn({"bob", "cid"}) == "");
  CHECK(CheckIn({"fay", "gus", "hal"}) == "");
  Returns("dan");
  ChecksIn("dan");
  CHECK(std::holds_alternative<ComeBack>(effects().front()));
}

TEST_CASE_METHOD(RoundFixture, "who is not needed is told when to come back") {
  CheckIn({"ann", "bob", "cid"});
  // The pool holds 3 asked and 8 to spare.
  for (int i = 0; i < 11; ++i) {
    CHECK(ChecksIn("client-" + std::to_string(i)) == "");
  }
  ChecksIn("zoe");
  const auto& back = std::get<ComeBack>(effects().front());
  CHECK(back.client.name == "zoe");
  CHECK(back.earliest >= 60s);  // the round may last that long
  CHECK(back.latest <= 90s);
}

TEST_CASE_METHOD(RoundFixture,
                 "the window follows how long rounds have taken") {
  CheckIn({"ann", "bob", "cid"});
  AdvanceTo(8s);
  Return({"ann", "bob", "cid"});
  CheckIn({"ann", "bob", "cid"});
  ModelIsMade();
  for (int i = 0; i < 11; ++i) ChecksIn("client-" + std::to_string(i));
  ChecksIn("zoe");
  const auto& back = std::get<ComeBack>(effects().front());
  CHECK(back.earliest >= 8s);
  CHECK(back.latest <= 12s);
}

TEST_CASE("a window is between a second and five minutes, whatever is asked") {
  for (const Duration horizon : {Duration(-5000), Duration(0), Duration(1),
                                 Duration(30s), Duration(24h)}) {
    for (int client = 0; client < 200; ++client) {
      const ComeBack back =
          PaceWindow(KeyFromSeed(1), ClientId{std::to_string(client)},
                     Instant(100s), horizon);
      CHECK(back.earliest >= 1s);
      CHECK(back.earliest < back.latest);
      CHECK(back.latest <= 5min);
    }
  }
}

TEST_CASE("clients turned away together get different windows") {
  std::set<Duration> earliest;
  for (int client = 0; client < 100; ++client) {
    earliest.insert(PaceWindow(KeyFromSeed(1), ClientId{std::to_string(client)},
                               Instant{}, 100s)
                        .earliest);
  }
  CHECK(earliest.size() > 90);
}

// 400 draws of 3 of 8 under independent keys: each client is expected 150
// times, with a standard deviation of 9.7. Five of them are outside 101 .. 199
// with a probability below 1e-5 in all. Passing does not prove pairs
// independent.
TEST_CASE("cohorts are drawn uniformly") {
  std::map<std::string, int> drawn;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Options options = RoundFixture::SmallRounds();
    State state;
    state.phase = Abandoned{.until = Instant(1s)};
    for (int client = 0; client < 8; ++client) {
      state.waiting.insert(ClientId{std::to_string(client)});
    }
    Engine engine(options, KeyFromSeed(seed), state);
    for (const auto& name : Offered(engine.Step(Tick{}, Instant(1s)))) {
      ++drawn[name];
    }
  }
  CHECK(drawn.size() == 8);
  for (const auto& [name, times] : drawn) {
    INFO(name << " was drawn " << times << " times");
    CHECK(times > 101);
    CHECK(times < 199);
  }
}

TEST_CASE_METHOD(RoundFixture, "another attempt draws another cohort") {
  std::set<std::set<std::string>> cohorts;
  for (int attempt = 1; attempt <= 12; ++attempt) {
    State state;
    state.attempt = attempt;
    state.phase = Abandoned{.until = Instant(1s)};
    for (int client = 0; client < 9; ++client) {
      state.waiting.insert(ClientId{std::to_string(client)});
    }
    Engine engine(SmallRounds(), KeyFromSeed(3), state);
    cohorts.insert(Offered(engine.Step(Tick{}, Instant(1s))));
  }
  CHECK(cohorts.size() > 6);
}

TEST_CASE_METHOD(RoundFixture,
                 "a retried round has new tokens and the same task seeds") {
  CheckIn({"ann", "bob", "cid"});
  const Task first = TaskOf("ann");
  AdvanceTo(60s);
  CheckIn({"ann", "bob", "cid"});
  AdvanceTo(65s);
  CHECK(TaskOf("ann").attempt == 2);
  CHECK(TaskOf("ann").token != first.token);
  CHECK(TaskOf("ann").seed == first.seed);
  CHECK(TaskOf("ann").seed != TaskOf("bob").seed);
}

}  // namespace
}  // namespace tributary::round
