// SPDX-License-Identifier: Apache-2.0
// Sweeps on the digits that come with the project.
#include <atomic>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>

#include "simulation/commands/dry_run.h"
#include "simulation/commands/sweep.h"
#include "tests/proto/files.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

namespace fs = std::filesystem;

class SweepFixture {
 public:
  SweepFixture() {
    options.file = folder.Write(
        "plan.yaml",
        "name: digits\npopulation: digits\n"
        "model: {architecture: {mlp: {inputs: 64, hidden: [8], outputs: 10}}}\n"
        "round: {cohort_size: 2, over_selection: 1, selection_timeout: 1s}\n"
        "training: {epochs: 1, batch_size: 16, learning_rate: 0.1}\n"
        "update: {max_abs: 4, max_weight: 2000}\n"
        "evaluation: {every_rounds: 1}\nstop: {rounds: 1}\n"
        "simulation:\n  clients: 8\n"
        "  train: {csv: {path: " TRIBUTARY_DIGITS
        "/train.csv.gz, scale: 0.0625}}\n"
        "  test: {csv: {path: " TRIBUTARY_DIGITS
        "/test.csv.gz, scale: 0.0625}}\n");
    options.settings = {"seed=7"};
    options.grid = {"training.learning_rate=0.1,0.3"};
    options.out = folder.path() / "out";
    options.progress.reset();
  }

  absl::StatusOr<SweepEnd> Run() {
    out.str("");
    return RunSweep(options, interrupted, out, report);
  }
  fs::file_time_type ModelTime(const std::string& run) {
    return fs::last_write_time(options.out / run / "model.safetensors");
  }

  const TemporaryFolder folder;
  SweepOptions options;
  std::atomic<bool> interrupted = false;
  std::ostringstream out, report;
};

TEST_CASE_METHOD(SweepFixture,
                 "a sweep runs its grid, compares it, and goes on later") {
  const auto first = Run();
  INFO(first.status());
  REQUIRE(first.ok());
  CHECK(first->finished == 2);
  CHECK(out.str().find("learning_rate=0.3") != std::string::npos);
  CHECK(out.str().find("training.learning_rate") != std::string::npos);
  CHECK(fs::exists(options.out / "compare.html"));
  const auto done_at = ModelTime("learning_rate=0.1");

  // More threads change nothing; a new value is run, an old one kept.
  options.workers = 2;
  options.grid = {"training.learning_rate=0.1,0.2"};
  const auto second = Run();
  REQUIRE(second.ok());
  CHECK(second->finished == 2);
  CHECK(ModelTime("learning_rate=0.1") == done_at);
  CHECK(fs::exists(options.out / "learning_rate=0.2" / "report.html"));

  // The same folder for another plan would mix two sweeps.
  options.settings = {"seed=8"};
  const auto mixed = Run();
  CHECK(mixed.status().code() == absl::StatusCode::kFailedPrecondition);
}

TEST_CASE_METHOD(SweepFixture, "an interrupted sweep goes on where it was") {
  interrupted = true;
  const auto end = Run();
  REQUIRE(end.ok());
  CHECK(end->interrupted);
  CHECK(end->finished == 0);
  const auto planned = PlanSweep(options);
  REQUIRE(planned.ok());
  CHECK(planned->at(0).is_interrupted);
  CHECK_FALSE(planned->at(1).is_interrupted);
  // Another plan would have to throw away what there is.
  SweepOptions other = options;
  other.settings = {"seed=8"};
  const auto refused = PlanSweep(other).status();
  CHECK(refused.code() == absl::StatusCode::kFailedPrecondition);
  CHECK(refused.message().find("an interrupted run of another plan (seed") !=
        std::string_view::npos);

  interrupted = false;
  options.progress = Progress::Style::kLines;
  CHECK(Run()->finished == 2);
  CHECK(report.str().find("goes on after round 0") != std::string::npos);
}

TEST_CASE_METHOD(SweepFixture,
                 "mistakes are found before the first run is started") {
  options.grid = {"training.learning_rate=0.1,much"};
  const auto wrong = Run();
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.status().message().find("training.learning_rate=much") !=
        std::string::npos);
  options.grid = {};
  options.settings = {};
  CHECK(Run().status().message().find("seed: required by a sweep") !=
        std::string::npos);
  CHECK_FALSE(fs::exists(options.out));
}

TEST_CASE_METHOD(SweepFixture, "a sweep's plan may leave its data to --data") {
  options.settings.push_back("simulation.train.csv.path=${data}/train.csv.gz");
  CHECK(Run().status().message().find("say with --data FOLDER") !=
        std::string::npos);
  options.data = TRIBUTARY_DIGITS;
  const auto end = Run();
  INFO(end.status());
  REQUIRE(end.ok());
  CHECK(end->finished == 2);
}

TEST_CASE("the tutorial's sweep is nine plans that make sense") {
  SweepOptions options;
  options.file = TRIBUTARY_SWEEPS "/three_strategies.yaml";
  options.out = "/nowhere";
  const auto runs = PlanSweep(options);
  INFO(runs.status());
  REQUIRE(runs.ok());
  REQUIRE(runs->size() == 9);
  CHECK((*runs)[4].name == "fedavgm,seed=2");
}

TEST_CASE("the sweeps over strategies are 39 plans each, alike but for those") {
  for (const char* name : {"mnist", "activity", "bearings"}) {
    SweepOptions options;
    options.file =
        std::string(TRIBUTARY_SWEEPS "/strategies_") + name + ".yaml";
    options.data = "/sets";
    options.out = "/nowhere";
    const auto runs = PlanSweep(options);
    INFO(runs.status());
    REQUIRE(runs.ok());
    REQUIRE(runs->size() == 39);
    CHECK(runs->front().name == "fedavg,seed=1");
    CHECK(runs->back().name == "ditto,seed=3");
  }
}

TEST_CASE_METHOD(SweepFixture,
                 "a dry run measures once what differs by chance alone") {
  options.settings = {};
  options.grid = {"seed=1,2,3"};
  REQUIRE(WriteSweepCost(options, out).ok());
  std::set<std::string> costs;
  int runs = 0;
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("seed=")) continue;
    ++runs;
    costs.insert(line.substr(line.find(' ')));
  }
  CHECK(runs == 3);
  // Another measurement would hardly give the same time and memory.
  CHECK(costs.size() == 1);
}

TEST_CASE_METHOD(SweepFixture, "a dry run says the cost and writes nothing") {
  REQUIRE(WriteSweepCost(options, out).ok());
  CHECK(out.str().find("learning_rate=0.3") != std::string::npos);
  out.str("");
  REQUIRE(WriteCost({.file = options.file, .settings = options.settings}, out)
              .ok());
  CHECK(out.str().find("model     610 weights") != std::string::npos);
  CHECK(out.str().find("2 updates x ") != std::string::npos);
  CHECK_FALSE(fs::exists(options.out));
}

}  // namespace
}  // namespace tributary::simulation
