// SPDX-License-Identifier: Apache-2.0
// Cohorts whose privacy is accounted for: who is in them is a coin toss for
// each, or a fixed number of all, and no round tells the fast from the slow.
#include <cmath>
#include <set>

#include "tests/coordinator/round/round_fixture.h"

#include "tests/catch.h"

namespace tributary::round {
namespace {

Options Sampled(Sampling sampling, int cohort, int population) {
  Options options = RoundFixture::SmallRounds();
  options.sampling = sampling;
  options.cohort_size = cohort;
  options.population = population;
  options.min_updates = 1;
  return options;
}

// Number 0 .. population - 1 wait; whom the first round asks.
std::set<int> Draw(const Options& options, std::uint64_t seed) {
  State state;
  state.phase = Abandoned{.until = Instant(1s)};
  for (int client = 0; client < options.population; ++client) {
    state.waiting.insert(ClientId{std::to_string(client)});
  }
  Engine engine(options, KeyFromSeed(seed), state);
  std::set<int> drawn;
  for (const Effect& effect : engine.Step(Tick{}, Instant(1s))) {
    if (const auto* offer = std::get_if<OfferTask>(&effect)) {
      drawn.insert(std::stoi(offer->client.name));
    }
  }
  return drawn;
}

// 2,000 cohorts of 50 clients, 1 in 5, under independent keys. Bounds are five
// standard deviations of the binomial (5.5 for the 50 clients one by one, and
// of a variance's estimate, v sqrt(2 / n)): with true coins all of this holds
// but for 4 in a million choices of keys. Passing does not show independence of
// more than two.
TEST_CASE("a Poisson cohort has each client independently") {
  constexpr int kCohorts = 2'000;
  constexpr int kClients = 50;
  constexpr double kChance = 0.2;
  const Options options = Sampled(Sampling::kPoisson, 10, kClients);
  std::vector<int> times(kClients);
  int both = 0;  // of two neighbours, in disjoint pairs
  double sizes = 0;
  double squares = 0;
  for (int cohort = 0; cohort < kCohorts; ++cohort) {
    const std::set<int> drawn =
        Draw(options, static_cast<std::uint64_t>(cohort));
    for (const int client : drawn) {
      ++times[static_cast<std::size_t>(client)];
      if (client % 2 == 0 && drawn.contains(client + 1)) ++both;
    }
    const auto size = static_cast<double>(drawn.size());
    sizes += size;
    squares += size * size;
  }
  const auto deviation = [](double trials, double chance) {
    return std::sqrt(trials * chance * (1 - chance));
  };
  constexpr double kCoins = kCohorts * kClients;
  CHECK(std::abs(sizes - kCoins * kChance) < 5 * deviation(kCoins, kChance));
  for (const int client : times) {
    CHECK(std::abs(client - kCohorts * kChance) <
          5.5 * deviation(kCohorts, kChance));
  }
  constexpr double kPairs = kCoins / 2;
  constexpr double kTwice = kChance * kChance;
  CHECK(std::abs(both - kPairs * kTwice) < 5 * deviation(kPairs, kTwice));
  const double mean = sizes / kCohorts;
  const double variance = squares / kCohorts - mean * mean;
  constexpr double kVariance = kClients * kChance * (1 - kChance);
  CHECK(std::abs(variance - kVariance) <
        5 * kVariance * std::sqrt(2.0 / kCohorts));
}

TEST_CASE("another attempt tosses other coins, whoever else waits") {
  Options options = Sampled(Sampling::kPoisson, 10, 20);
  const std::set<int> twenty = Draw(options, 5);
  // The same odds among more: who was there is drawn as before.
  options.cohort_size = 20;
  options.population = 40;
  std::set<int> of_forty = Draw(options, 5);
  std::erase_if(of_forty, [](int client) { return client >= 20; });
  CHECK(of_forty == twenty);
  CHECK(Draw(options, 6) != Draw(options, 5));
}

TEST_CASE("a cohort of fixed size has exactly so many of all") {
  std::set<std::set<int>> cohorts;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    cohorts.insert(Draw(Sampled(Sampling::kFixedSize, 7, 30), seed));
    CHECK(Draw(Sampled(Sampling::kFixedSize, 7, 30), seed).size() == 7);
  }
  // Of 2,035,800 that there are: 300 draws of them repeat one in 45.
  CHECK(cohorts.size() >= 298);
}

TEST_CASE_METHOD(RoundFixture, "all of a population wait before a draw") {
  StartRunWith(Sampled(Sampling::kFixedSize, 2, 4));
  CheckIn({"ann", "bob", "cid"});
  CHECK_FALSE(WakesAt().has_value());
  CHECK(AdvanceTo(1h) == "");
  CHECK(ChecksIn("dan").starts_with("open round 1.1 from model-0; offer"));
}

TEST_CASE_METHOD(RoundFixture,
                 "a Poisson round does without some of its population") {
  Options options = Sampled(Sampling::kPoisson, 3, 6);
  options.least_waiting = 4;
  StartRunWith(options);
  CheckIn({"ann", "bob", "cid"});
  CHECK_FALSE(WakesAt().has_value());
  ChecksIn("dan");
  CHECK(WakesAt() == 10s);
  CHECK(AdvanceTo(10s).starts_with("open round 1.1 from model-0"));
}

TEST_CASE_METHOD(RoundFixture, "nobody beyond the population waits") {
  StartRunWith(Sampled(Sampling::kFixedSize, 3, 3));
  CheckIn({"ann", "bob", "cid"});
  CHECK(CheckIn({"dan", "eli", "fay"}) == "");
  ChecksIn("gus");
  CHECK(std::holds_alternative<ComeBack>(effects().front()));
}

// Who was asked last is as likely to be asked again.
TEST_CASE_METHOD(RoundFixture, "nobody stands back where all are drawn from") {
  StartRunWith(Sampled(Sampling::kFixedSize, 3, 3));
  CheckIn({"ann", "bob", "cid"});
  Returns("ann");
  CheckIn({"ann", "dan", "eli"});
  CHECK(state().waiting.contains(ClientId{"ann"}));
  Return({"bob", "cid"});
  ModelIsMade();
  CHECK(std::get<Collecting>(state().phase).cohort.contains(ClientId{"ann"}));
}

// To take the first that come would be another sampling.
TEST_CASE_METHOD(RoundFixture,
                 "a sampled round takes every update of those "
                 "asked") {
  // Six of the run's coins fall on more than two; the key is the fixture's.
  Options options = Sampled(Sampling::kPoisson, 2, 9);
  options.max_attempts = 50;
  options.retry_backoff = 0s;
  StartRunWith(options);
  std::vector<std::string> asked;
  for (int round = 1; asked.size() < 3; ++round) {
    REQUIRE(round < 50);
    asked.clear();
    CheckIn({"c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"});
    if (const auto* now = std::get_if<Collecting>(&state().phase)) {
      for (const auto& [client, participant] : now->cohort) {
        asked.push_back(client.name);
      }
    }
    if (asked.size() < 3) AdvanceTo(100s * round);
  }
  for (std::size_t i = 0; i + 1 < asked.size(); ++i) {
    CHECK(Returns(asked[i]) == "accept " + asked[i] + " with weight 10");
  }
  CHECK(Name(state().phase) == "collecting");
  Returns(asked.back());
  CHECK(Name(state().phase) == "released");
}

TEST_CASE_METHOD(RoundFixture, "a draw that is too small is an attempt") {
  Options options = Sampled(Sampling::kPoisson, 2, 4);
  options.min_updates = 2;
  options.max_attempts = 100;
  StartRunWith(options);
  std::string said;
  for (int attempt = 1; attempt <= 40; ++attempt) {
    CheckIn({"ann", "bob", "cid", "dan"});
    said = AdvanceTo(1h * attempt);
    if (said.find("in the draw") != std::string::npos) break;
  }
  CHECK(said ==
        "open round 1.2 from model-0; abandon round 1.2 with 0 lost: 0 of at "
        "least 2 clients in the draw");
}

TEST_CASE_METHOD(RoundFixture,
                 "no round is opened that the budget does not pay for") {
  Options options = SmallRounds();
  options.max_debits = 1;
  StartRunWith(options);
  CheckIn({"ann", "bob", "cid"});
  Return({"ann", "bob", "cid"});
  CHECK(state().debits == 1);
  CHECK(ModelIsMade() ==
        "commit round 1 as model-1; end the run, failed: the privacy budget is "
        "spent: it was charged 1 times, 1 of 3 rounds are released");

  options.max_debits = 0;
  StartRunWith(options);
  CHECK(CheckIn({"ann", "bob", "cid"}).starts_with("end the run, failed"));
}

TEST_CASE_METHOD(RoundFixture,
                 "where updates are seen as they come, attempts are charged") {
  Options options = SmallRounds();
  options.max_debits = 2;
  options.charged = Charged::kAttempts;
  StartRunWith(options);
  CheckIn({"ann", "bob", "cid"});
  CHECK(state().debits == 1);
  Return({"ann", "bob", "cid"});
  ModelIsMade();
  CHECK(state().debits == 1);
  CheckIn({"ann", "bob", "cid"});
  CHECK(state().debits == 2);
  // Nothing comes back, and no other attempt is paid for.
  AdvanceTo(60s);
  CHECK(AdvanceTo(65s) ==
        "end the run, failed: the privacy budget is spent: it was charged 2 "
        "times, 1 of 3 rounds are released");
}

TEST_CASE_METHOD(RoundFixture,
                 "a spent budget lets the last model be evaluated") {
  Options options = SmallRounds();
  options.max_debits = 1;
  options.evaluate_every = 2;
  StartRunWith(options);
  EvaluatorChecksIn("eve");
  CheckIn({"ann", "bob", "cid"});
  Return({"ann", "bob", "cid"});
  CHECK(ModelIsMade() ==
        "commit round 1 as model-1; offer eve the evaluation of round 1, "
        "model-1, by 30s");
  CHECK(Name(state().phase) == "finishing");
  CHECK(Evaluates("eve", {{"loss", 1}})
            .find("end the run, failed: the privacy budget is spent") !=
        std::string::npos);
}

TEST_CASE_METHOD(RoundFixture,
                 "clients are told the clip norm of their round") {
  Options options = SmallRounds();
  options.clip_norm = 1.5;
  StartRunWith(options);
  CheckIn({"ann", "bob", "cid"});
  CHECK(TaskOf("ann").clip_norm == 1.5);
  Return({"ann", "bob", "cid"});
  CheckIn({"ann", "bob", "cid"});
  Happens(ModelReleased{1, ModelNamed(1), 1.25, Aggregates{30, 0.5}});
  CHECK(Text(effects()).starts_with(
      "commit round 1 as model-1 of 30 examples with loss 0.5"));
  CHECK(TaskOf("ann").clip_norm == 1.25);
}

}  // namespace
}  // namespace tributary::round
