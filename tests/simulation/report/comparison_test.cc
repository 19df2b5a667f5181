// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/comparison.h"

#include <string>
#include <vector>

#include "tests/simulation/report/drawing.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

// A finished run whose accuracy grows by `step` a round from 0.5.
RunRecord Run(const std::string& folder, const std::string& plan, double step) {
  RunRecord run;
  run.folder = folder;
  run.status.end = "finished";
  run.plan_text = plan;
  run.plan = *FlattenPlan(plan);
  for (int round = 1; round <= 4; ++round) {
    run.rounds[round] = {{"round", round},
                         {"metrics.accuracy", 0.5 + step * (round - 1)},
                         {"train_loss", 1.0 / round},
                         {"virtual_seconds", 10.0 * round},
                         {"wall_seconds", 0.5},
                         {"effort.spent.bytes_up", 512},
                         {"effort.spent.bytes_down", 512}};
  }
  return run;
}

std::vector<RunRecord> FastAndSlow() {
  return {Run("runs/slow", "name: a\ntraining: {learning_rate: 0.1}\n", 0.05),
          Run("runs/fast/", "name: a\ntraining: {learning_rate: 0.3}\n", 0.1)};
}

TEST_CASE("runs are compared at the best value that all reached") {
  const auto runs = FastAndSlow();
  const auto comparison = CompareRuns(runs, {});
  REQUIRE(comparison.ok());
  CHECK(comparison->metric == "accuracy");
  CHECK(*comparison->target == Approx(0.65));
  CHECK(*comparison->runs[0].rounds_to_target == Approx(4));
  CHECK(*comparison->runs[1].rounds_to_target == Approx(2.5));
  CHECK(*comparison->runs[1].seconds_to_target == Approx(25));
  CHECK(comparison->runs[1].best->y == Approx(0.8));
  CHECK(DescribeTarget(*comparison) == "accuracy >= 0.65");
}

TEST_CASE("a target that all plans share is the target") {
  const std::string plan = "stop: {metric: accuracy, target: 0.6}\n";
  std::vector<RunRecord> runs = {Run("a", plan, 0.05), Run("b", plan, 0.1)};
  CHECK(CompareRuns(runs, {})->target == 0.6);
  CHECK(CompareRuns(runs, {.metric = "", .target = 0.7})->target == 0.7);
  runs[1] = Run("b", "stop: {metric: accuracy, target: 0.9}\n", 0.1);
  CHECK(*CompareRuns(runs, {})->target == Approx(0.65));
}

TEST_CASE("epsilons are compared with what they mean, where there are any") {
  auto runs = FastAndSlow();
  CHECK(PrivacyTable(*CompareRuns(runs, {})).empty());
  runs[0].status.privacy = PrivacyStatement{.epsilon = 1.99997,
                                            .delta = 1e-4,
                                            .releases = 4,
                                            .unit = "client",
                                            .neighbours = "replace one",
                                            .sampling = "none",
                                            .accountant = "PLD",
                                            .noise = "central",
                                            .noise_multiplier = 7.76};
  runs[1].status.masks = "on";
  const auto comparison = CompareRuns(runs, {});
  const Table table = PrivacyTable(*comparison);
  REQUIRE(table.size() == 3);
  CHECK(table[1] == std::vector<std::string>{
                        "slow", "2", "0.0001", "client", "replace one", "none",
                        "PLD", "central", "7.76", "none"});
  CHECK(table[2] == std::vector<std::string>{"fast", "-", "-", "-", "-", "-",
                                             "-", "-", "-", "on"});
  CHECK(MakeComparisonPage(*comparison).find("replace one") !=
        std::string::npos);
}

TEST_CASE("a metric that no run has is refused with those there are") {
  const auto runs = FastAndSlow();
  const auto refused =
      CompareRuns(runs, {.metric = "acuracy", .target = std::nullopt});
  CHECK(refused.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(refused.status().message() ==
        "--metric: no run has \"acuracy\"; there is: accuracy");
}

TEST_CASE("the terminal's table has a row for each run") {
  const auto runs = FastAndSlow();
  const auto comparison = CompareRuns(runs, {});
  CHECK(FormatTable(ResultsTable(*comparison)) ==
        "run   rounds  to target  time to target  best  in round  final  loss"
        "  training loss  bytes  virtual time  wall time\n"
        "slow       4          4            40 s  0.65         4   0.65     -"
        "           0.25  4 KiB          40 s        2 s\n"
        "fast       4        2.5            25 s   0.8         4    0.8     -"
        "           0.25  4 KiB          40 s        2 s\n");
  CHECK(DifferencesTable(*comparison) ==
        Table{{"plan", "slow", "fast"},
              {"training.learning_rate", "0.1", "0.3"}});
}

TEST_CASE(
    "keys that only one plan has are differences, equal plans have none") {
  auto runs = FastAndSlow();
  runs[1] = Run("fast", "name: a\nserver: {fedavg: {}}\n", 0.1);
  const auto differences = CompareRuns(runs, {})->differences;
  REQUIRE(differences.size() == 2);
  CHECK(differences[1].key == "server.fedavg");
  CHECK(differences[1].values == std::vector<std::string>{"-", "{}"});
  runs[1] = runs[0];
  CHECK(DifferencesTable(*CompareRuns(runs, {})).empty());
  // Folders of one name are told apart by their paths.
  CHECK(CompareRuns(runs, {})->runs[0].name == "runs/slow");
}

TEST_CASE("runs that end early or never evaluate are compared all the same") {
  auto runs = FastAndSlow();
  runs[0].status.end = "stopped";
  for (auto& [round, numbers] : runs[0].rounds) {
    numbers.erase("metrics.accuracy");
  }
  const auto comparison = CompareRuns(runs, {});
  REQUIRE(comparison.ok());
  const Table table = ResultsTable(*comparison);
  CHECK(table[1][0] == "slow (stopped)");
  CHECK(table[1][2] == "-");
  CHECK(CompareRuns({}, {}).status().code() ==
        absl::StatusCode::kInvalidArgument);
}

TEST_CASE("the page overlays the runs' curves") {
  auto runs = FastAndSlow();
  runs[0].folder = "<b>";
  const auto comparison = CompareRuns(runs, {});
  const std::string page = MakeComparisonPage(*comparison);
  CHECK(page.find("<b>") == std::string::npos);
  const std::string drawing = DrawingOf(page, "accuracy over rounds");
  CHECK(CurveOf(drawing, "&lt;b&gt;").size() == 4);
  const auto fast = CurveOf(drawing, "fast");
  REQUIRE(fast.size() == 4);
  CHECK(fast[3].y == Approx(0.8).margin(0.001));
  CHECK(page.find("<td>training.learning_rate</td>") != std::string::npos);
}

}  // namespace
}  // namespace tributary::simulation
