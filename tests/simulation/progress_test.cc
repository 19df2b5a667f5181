// SPDX-License-Identifier: Apache-2.0
#include "simulation/progress.h"

#include <chrono>
#include <sstream>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

ProgressState Halfway() {
  ProgressState state;
  state.done = 12;
  state.rounds = 24;
  state.updates = 120;
  state.seconds = 60;
  state.metrics = "accuracy 0.9432";
  return state;
}

TEST_CASE("the bar shows rounds, clients a second, time left and metrics") {
  CHECK(FormatBar(Halfway()) ==
        "[############............] round 12/24  2 clients/s  1:00 left  "
        "accuracy 0.9432");
}

TEST_CASE("a round in hand counts in part") {
  ProgressState state = Halfway();
  state.round_size = 10;
  state.round_updates = 5;
  // 12.5 rounds took 60 s, so 11.5 take 55 s.
  CHECK(FormatBar(state).find("0:55 left") != std::string::npos);
  // Over-selection gives more updates than a round counts.
  state.round_updates = 50;
  CHECK(FormatBar(state).find("0:51 left") != std::string::npos);
}

TEST_CASE("rounds made before an interruption say nothing of the time left") {
  ProgressState state = Halfway();
  state.before = 9;
  // Three rounds took 60 s, so twelve take 240 s.
  CHECK(FormatBar(state).find("round 12/24") != std::string::npos);
  CHECK(FormatBar(state).find("4:00 left") != std::string::npos);
  state.before = 12;
  CHECK(FormatBar(state).find("left") == std::string::npos);
}

TEST_CASE("long times are shown in hours, none where nothing is known") {
  ProgressState state = Halfway();
  state.seconds = 36000;
  CHECK(FormatBar(state).find("10:00:00 left") != std::string::npos);
  state.done = 0;
  CHECK(FormatBar(state).find("left") == std::string::npos);
  state.done = state.rounds;
  CHECK(FormatBar(state).find("left") == std::string::npos);
  CHECK(FormatBar(ProgressState{}) == "[........................] round 0/0");
}

TEST_CASE("plain lines tell each round, its metrics and its failures") {
  std::ostringstream out;
  Progress progress(out, Progress::Style::kLines, 3);
  RoundSummary round;
  round.round = 1;
  round.asked = 12;
  round.accepted = 11;
  round.aggregates = round::Aggregates{.examples = 100, .train_loss = 0.25};
  round.committed = round::Instant(std::chrono::milliseconds(2500));
  progress.OnUpdate();
  progress.OnRound(round);
  progress.OnEvaluation(1, {{"accuracy", 0.5}, {"loss", 2}});
  progress.Finish();
  CHECK(out.str() ==
        "round 1 of 3: 11 of 12 updates, train loss 0.2500, at 2.5 s\n"
        "round 1: accuracy 0.5000  loss 2.0000\n");
}

TEST_CASE("a bar stays on its line and ends it") {
  std::ostringstream out;
  Progress progress(out, Progress::Style::kBar, 2);
  RoundSummary round;
  round.round = 1;
  progress.OnRound(round);
  CHECK(out.str().find("round 1/2") != std::string::npos);
  CHECK(out.str().find('\n') == std::string::npos);
  progress.Finish();
  CHECK(out.str().back() == '\n');
}

}  // namespace
}  // namespace tributary::simulation
