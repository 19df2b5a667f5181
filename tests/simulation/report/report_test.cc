// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/report.h"

#include <string>

#include "simulation/report/markup.h"
#include "tests/simulation/report/drawing.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

bool Holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

RunRecord ThreeRounds() {
  RunRecord run;
  run.plan_text = "name: digits\nstop: {rounds: 3}\n";
  run.plan = *FlattenPlan(run.plan_text);
  run.status = {.end = "finished", .reason = "all 3 rounds are released"};
  for (int round = 1; round <= 3; ++round) {
    run.rounds[round] = {{"round", round},
                         {"asked", 10},
                         {"accepted", 7 + round},
                         {"train_loss", 1.0 / round},
                         {"metrics.accuracy", 0.5 + 0.1 * round},
                         {"opened_seconds", 60.0 * (round - 1)},
                         {"virtual_seconds", 60.0 * round - 5}};
  }
  return run;
}

TEST_CASE("a report draws its metrics over rounds and over virtual time") {
  const std::string page = MakeReport(ThreeRounds());
  const auto rounds =
      CurveOf(DrawingOf(page, "accuracy over rounds"), "accuracy");
  REQUIRE(rounds.size() == 3);
  CHECK(rounds[2].x == Approx(3).margin(0.01));
  CHECK(rounds[2].y == Approx(0.8).margin(0.001));
  const auto time =
      CurveOf(DrawingOf(page, "accuracy over virtual time"), "accuracy");
  REQUIRE(time.size() == 3);
  CHECK(time[2].x == Approx(175).margin(1));
  CHECK(CurveOf(DrawingOf(page, "loss over rounds"), "training").size() == 3);
  const auto spans =
      CurveOf(DrawingOf(page, "Virtual time of a round"), "virtual time");
  REQUIRE(spans.size() == 3);
  CHECK(spans[0].y == Approx(55).margin(0.5));
}

TEST_CASE("a report says how the run ended, and shows its plan") {
  const std::string page = MakeReport(ThreeRounds());
  CHECK(Holds(page, "finished, all 3 rounds are released"));
  CHECK(Holds(page, "<pre>name: digits"));
  CHECK(Holds(page, "0.8<small>best 0.8 in round 3</small>"));
}

TEST_CASE("what the devices spent and wasted is drawn where it is known") {
  RunRecord run = ThreeRounds();
  CHECK_FALSE(Holds(MakeReport(run), "Effort and waste"));
  for (auto& [round, numbers] : run.rounds) {
    numbers["effort.spent.bytes_up"] = 1024.0 * 1024 * round;
    numbers["effort.wasted.bytes_up"] = 1024.0 * 512;
    numbers["effort.tasks.counted"] = 7 + round;
  }
  run.rounds[2]["effort.tasks.lost_training"] = 2;
  run.devices = "class  tasks";
  const std::string page = MakeReport(run);
  const std::string bytes = DrawingOf(page, "bytes up of a round");
  REQUIRE(CurveOf(bytes, "spent").size() == 3);
  CHECK(CurveOf(bytes, "spent")[2].y ==
        Approx(3.0 * 1024 * 1024).epsilon(0.01));
  CHECK(CurveOf(bytes, "wasted").size() == 3);
  CHECK(Holds(page, "6 MiB<small>25.0 % of it wasted</small>"));
  // A round without an outcome had none of it.
  const auto lost =
      CurveOf(DrawingOf(page, "How tasks ended"), "lost training");
  REQUIRE(lost.size() == 3);
  CHECK(lost[0].y == Approx(0).margin(0.1));
  CHECK(lost[1].y == Approx(2).margin(0.1));
  CHECK(Holds(page, "<pre>class  tasks</pre>"));
}

TEST_CASE("what clients judged has a section of its own") {
  RunRecord run = ThreeRounds();
  CHECK_FALSE(Holds(MakeReport(run), "Each client on examples of its own"));
  run.rounds[3]["metrics.client_count"] = 40;
  for (auto& [round, numbers] : run.rounds) {
    numbers["metrics.client_accuracy_mean"] = 0.6 + 0.1 * round;
    numbers["metrics.client_accuracy_worst_decile"] = 0.25 + 0.1 * round;
    numbers["metrics.client_accuracy_stddev"] = 0.1;
  }
  const std::string page = MakeReport(run);
  CHECK(Holds(page,
              "0.9<small>worst decile 0.55, standard deviation 0.1</small>"));
  const std::string drawing = DrawingOf(page, "accuracy of the clients");
  const auto worst = CurveOf(drawing, "worst decile");
  REQUIRE(worst.size() == 3);
  CHECK(worst[2].y == Approx(0.55).margin(0.005));
  CHECK(CurveOf(drawing, "mean").size() == 3);
  // Not among what the evaluator found.
  CHECK_FALSE(Holds(page, "client_accuracy_mean"));
}

TEST_CASE("an epsilon is shown with all that it means nothing without") {
  RunRecord run = ThreeRounds();
  CHECK_FALSE(Holds(MakeReport(run), "<h2>Privacy"));
  run.status.masks = "skipped";
  run.status.privacy = PrivacyStatement{.epsilon = 1.5,
                                        .delta = 1e-5,
                                        .releases = 3,
                                        .unit = "client",
                                        .neighbours = "replace one",
                                        .sampling = "fixed size",
                                        .accountant = "RDP",
                                        .noise = "distributed",
                                        .noise_multiplier = 0.8};
  for (auto& [round, numbers] : run.rounds) {
    numbers["privacy.clip_norm"] = 0.1 * round;
    numbers["privacy.epsilon"] = 0.5 * round;
  }
  const std::string page = MakeReport(run);
  for (const char* part :
       {"1.5<small>at delta 1e-05</small>", "after 3 releases",
        "Unit: client; neighbours: replace one; sampling: fixed size; "
        "accountant: RDP. Noise: distributed, multiplier 0.8",
        "Masks were skipped"}) {
    INFO(part);
    CHECK(Holds(page, part));
  }
  const auto norms =
      CurveOf(DrawingOf(page, "Clip norm of the updates"), "privacy.clip norm");
  REQUIRE(norms.size() == 3);
  CHECK(norms[2].y == Approx(0.3).margin(0.005));
  const auto price =
      CurveOf(DrawingOf(page, "accuracy over epsilon"), "accuracy");
  REQUIRE(price.size() == 3);
  CHECK(price[2].x == Approx(1.5).margin(0.01));
}

TEST_CASE("a number that no section knows is drawn all the same") {
  RunRecord run = ThreeRounds();
  for (auto& [round, numbers] : run.rounds) numbers["temper"] = 0.5 * round;
  CHECK(CurveOf(DrawingOf(MakeReport(run), "temper"), "temper").size() == 3);
}

TEST_CASE("declared exceptions are shown, or that there are none") {
  RunRecord run = ThreeRounds();
  CHECK(Holds(MakeReport(run), "<p>None: rounds, sessions"));
  run.status.exceptions = {"training.time_limit: kept by <the> clock"};
  const std::string page = MakeReport(run);
  CHECK(Holds(page, "<li>training.time_limit: kept by &lt;the&gt; clock</li>"));
  CHECK_FALSE(Holds(page, "<p>None: rounds"));
}

TEST_CASE("nothing a run says becomes markup or is fetched") {
  const std::string hostile =
      "\"'><script src=\"https://example.org\"></script>";
  RunRecord run = ThreeRounds();
  run.status.reason = hostile;
  run.plan = {{"name", hostile}, {"stop.rounds", hostile}};
  run.plan_text = hostile;
  run.partition = hostile;
  run.partition_picture = hostile;
  run.rounds[1]["metrics." + hostile] = 1;
  run.rounds[1][hostile] = 1;
  const std::string page = MakeReport(run);
  CHECK_FALSE(Holds(page, "<script"));
  CHECK(Holds(page, "default-src 'none'"));
  for (const std::string& drawing : Drawings(page)) {
    CHECK_FALSE(Holds(drawing, "example.org\""));
  }
}

TEST_CASE("a run without rounds has a report") {
  RunRecord run;
  run.plan = {{"name", "nothing"}, {"stop.rounds", "5"}};
  const std::string page = MakeReport(run);
  CHECK(Holds(page, "No round was released."));
  CHECK(Drawings(page).empty());
}

}  // namespace
}  // namespace tributary::simulation
