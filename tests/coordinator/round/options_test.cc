// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "tests/coordinator/round/round_fixture.h"

#include "tests/catch.h"

namespace tributary::round {
namespace {

TEST_CASE("small rounds are valid") {
  CHECK(RoundFixture::SmallRounds().Validate().ok());
}

TEST_CASE("what does not fit is named") {
  using Change = std::function<void(Options&)>;
  const std::vector<std::pair<std::string, Change>> wrong = {
      {"round.cohort_size: 0", [](Options& o) { o.cohort_size = 0; }},
      {"round.min_updates: 4 exceeds round.cohort_size 3",
       [](Options& o) { o.min_updates = 4; }},
      {"round.min_updates: 0", [](Options& o) { o.min_updates = 0; }},
      {"round.over_selection: 0.5", [](Options& o) { o.over_selection = 0.5; }},
      {"round.over_selection: nan",
       [](Options& o) {
         o.over_selection = std::numeric_limits<double>::quiet_NaN();
       }},
      {"round.deadline: 0 ms", [](Options& o) { o.deadline = 0s; }},
      {"round.selection_timeout: -1 ms",
       [](Options& o) { o.selection_timeout = -1ms; }},
      {"round.retry_backoff", [](Options& o) { o.retry_backoff = 10000h; }},
      {"round.max_attempts: 0", [](Options& o) { o.max_attempts = 0; }},
      {"stop.rounds: 0", [](Options& o) { o.rounds = 0; }},
      {"evaluation.every_rounds: -1",
       [](Options& o) { o.evaluate_every = -1; }},
      {"evaluation.deadline: 0 ms",
       [](Options& o) { o.evaluation_deadline = 0s; }},
      {"stop.metric: has no stop.target",
       [](Options& o) { o.stop_metric = "loss"; }},
      {"stop.target: has no stop.metric",
       [](Options& o) { o.stop_target = 1; }},
      {"stop.metric: is never measured",
       [](Options& o) {
         o.stop_metric = "loss";
         o.stop_target = 1;
       }},
      {"update.max_weight: 0", [](Options& o) { o.max_weight = 0; }},
      {"privacy.population: 2 is less than round.cohort_size 3",
       [](Options& o) {
         o.sampling = Sampling::kPoisson;
         o.population = 2;
       }},
      {"round.over_selection: 1.1 is not 1, as privacy.sampling needs",
       [](Options& o) {
         o.sampling = Sampling::kFixedSize;
         o.population = 20;
         o.over_selection = 1.1;
       }},
      {"quarantine.strikes: 0 is not in 1",
       [](Options& o) { o.quarantine = {.strikes = 0}; }},
      {"quarantine.rounds: 0 is not in 1",
       [](Options& o) { o.quarantine = {.rounds = 0}; }},
      {"quarantine: leaves clients out of the draw, and privacy.sampling",
       [](Options& o) {
         o.quarantine.emplace();
         o.sampling = Sampling::kFixedSize;
         o.population = 20;
         o.over_selection = 1;
       }},
      {"privacy.epsilon: pays for -1 rounds",
       [](Options& o) { o.max_debits = -1; }},
      {"privacy.clipping.norm: inf",
       [](Options& o) {
         o.clip_norm = std::numeric_limits<double>::infinity();
       }},
  };
  for (const auto& [message, change] : wrong) {
    Options options = RoundFixture::SmallRounds();
    change(options);
    const std::string said(options.Validate().message());
    INFO(said);
    CHECK(said.starts_with(message));
  }
}

TEST_CASE("what does not fit of a masked round is named") {
  using Change = std::function<void(Options&)>;
  const std::vector<std::pair<std::string, Change>> wrong = {
      {"secure_aggregation.step_deadline: 0 ms",
       [](Options& o) { o.secure->step_deadline = 0s; }},
      {"secure_aggregation.min_cohort: 2 is not in 3",
       [](Options& o) {
         o.secure->min_cohort = 2;
         o.min_updates = 1;
       }},
      {"secure_aggregation.min_cohort: 3 does not exceed round.min_updates 3",
       [](Options& o) { o.min_updates = 3; }},
      {"secure_aggregation.min_cohort: 5 exceeds the 4 clients that a round "
       "asks",
       [](Options& o) { o.secure->min_cohort = 5; }},
      {"secure_aggregation.dropped: 1 is not in 0 .. 1",
       [](Options& o) { o.secure->dropped = 1; }},
      {"update.encoding: is not packed", [](Options& o) { o.packed = false; }},
  };
  REQUIRE(RoundFixture::MaskedRounds().Validate().ok());
  for (const auto& [message, change] : wrong) {
    Options options = RoundFixture::MaskedRounds();
    change(options);
    const std::string said(options.Validate().message());
    INFO(said);
    CHECK(said.starts_with(message));
  }
}

TEST_CASE("everything that does not fit is named at once") {
  Options options = RoundFixture::SmallRounds();
  options.deadline = 0s;
  options.rounds = 0;
  const std::string said(options.Validate().message());
  CHECK(said.find("round.deadline") != std::string::npos);
  CHECK(said.find("stop.rounds") != std::string::npos);
}

TEST_CASE("over-selection rounds up, and only what is over") {
  Options options = RoundFixture::SmallRounds();
  const auto asked = [&options](int cohort, double over) {
    options.cohort_size = cohort;
    options.over_selection = over;
    return options.Asked();
  };
  CHECK(asked(10, 1.0) == 10);
  CHECK(asked(10, 1.1) == 11);
  CHECK(asked(10, 1.3) == 13);
  CHECK(asked(100, 1.1) == 110);
  CHECK(asked(3, 1.3) == 4);
  CHECK(asked(1, 1.3) == 2);
  CHECK(asked(1'000'000, 10) == 10'000'000);
}

TEST_CASE("every refusal has a name of its own") {
  std::set<std::string_view> names;
  for (int value = 0; value <= 20; ++value) {
    names.insert(Name(static_cast<Refusal>(value)));
  }
  CHECK(names.size() == 21);
  CHECK_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace tributary::round
