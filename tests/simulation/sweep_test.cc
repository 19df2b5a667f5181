// SPDX-License-Identifier: Apache-2.0
#include "simulation/sweep.h"

#include <string>
#include <vector>

#include "tests/proto/files.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

using Texts = std::vector<std::string>;

v1::Sweep SweepOf(const Texts& axes) {
  v1::Sweep sweep;
  sweep.set_plan("plan.yaml");
  for (const std::string& text : axes) {
    const auto axis = ParseAxis(text);
    REQUIRE(axis.ok());
    *sweep.add_grid() = *axis;
  }
  return sweep;
}

Texts NamesOf(const v1::Sweep& sweep) {
  const auto runs = RunsOf(sweep);
  REQUIRE(runs.ok());
  Texts names;
  for (const SweepRun& run : *runs) names.push_back(run.name);
  return names;
}

TEST_CASE("every combination of the axes is a run, the last axis innermost") {
  const auto runs =
      RunsOf(SweepOf({"training.learning_rate=0.1,0.3", "seed=1,2"}));
  REQUIRE(runs.ok());
  REQUIRE(runs->size() == 4);
  CHECK((*runs)[1] == SweepRun{"learning_rate=0.1,seed=2",
                               {"training.learning_rate=0.1", "seed=2"}});
  CHECK((*runs)[2].name == "learning_rate=0.3,seed=1");
}

TEST_CASE("commas within brackets, braces and quotes divide nothing") {
  const auto axis = ParseAxis(
      "server_optimizer={fedavg: {}},{fedadam: {beta1: 0.9, "
      "beta2: 0.99}},\"a,b\",[1, 2]");
  REQUIRE(axis.ok());
  CHECK(Texts(axis->values().begin(), axis->values().end()) ==
        Texts{"{fedavg: {}}", "{fedadam: {beta1: 0.9, beta2: 0.99}}", "\"a,b\"",
              "[1, 2]"});
  for (const char* text : {"seed", "=1", "seed="}) {
    INFO(text);
    CHECK(ParseAxis(text).status().code() ==
          absl::StatusCode::kInvalidArgument);
  }
}

TEST_CASE("names of runs are short, distinct and good names of folders") {
  CHECK(NamesOf(SweepOf({})) == Texts{"plan"});
  // As much of a key as tells it from the others.
  CHECK(NamesOf(SweepOf({"training.learning_rate=1",
                         "server_optimizer.fedavg.learning_rate=2"})) ==
        Texts{"training.learning_rate=1,fedavg.learning_rate=2"});
  CHECK(NamesOf(SweepOf({"server_optimizer={fedavg: {}},{fedavg : {}}"})) ==
        Texts{"server_optimizer=fedavg", "server_optimizer=fedavg-2"});
  CHECK(NamesOf(SweepOf({"model.weights=../../etc/x"})) ==
        Texts{"weights=.._.._etc_x"});
}

TEST_CASE("a sweep's file has cases, settings for all, and a grid") {
  const TemporaryFolder folder;
  const auto file = folder.Write("sweep.yaml",
                                 "plan: plans/digits.yaml\n"
                                 "set: [stop.rounds=5]\n"
                                 "cases:\n"
                                 "  - name: fedavg\n"
                                 "  - name: fedprox\n"
                                 "    set: [training.proximal_mu=0.1]\n"
                                 "grid:\n"
                                 "  - {key: seed, values: [1, 2]}\n");
  const auto sweep = ReadSweep(file);
  INFO(sweep.status());
  REQUIRE(sweep.ok());
  CHECK(sweep->plan() == (folder.path() / "plans/digits.yaml").string());
  const auto runs = RunsOf(*sweep);
  REQUIRE(runs.ok());
  REQUIRE(runs->size() == 4);
  CHECK((*runs)[0] == SweepRun{"fedavg,seed=1", {"stop.rounds=5", "seed=1"}});
  CHECK((*runs)[3] ==
        SweepRun{"fedprox,seed=2",
                 {"stop.rounds=5", "training.proximal_mu=0.1", "seed=2"}});
}

TEST_CASE("a plan is a sweep of nothing but itself") {
  const TemporaryFolder folder;
  const auto file = folder.Write("plan.yaml", "name: digits\n");
  const auto sweep = ReadSweep(file);
  REQUIRE(sweep.ok());
  CHECK(sweep->plan() == file.string());
  CHECK(NamesOf(*sweep) == Texts{"plan"});
}

TEST_CASE("what is wrong with a sweep's file is named with its line") {
  const TemporaryFolder folder;
  const auto file = folder.Write("sweep.yaml",
                                 "plan: p.yaml\n"
                                 "gri: []\n");
  const auto sweep = ReadSweep(file);
  CHECK(sweep.status().message() ==
        file.string() + ":2: gri: unknown key; did you mean \"grid\"?");
  CHECK(ReadSweep(folder.path() / "none.yaml").status().code() ==
        absl::StatusCode::kNotFound);
}

TEST_CASE("a grid of more runs than anybody waits for is refused") {
  Texts axes;
  for (const char* key : {"a", "b", "c", "d", "e"}) {
    std::string text = std::string(key) + "=0";
    for (int i = 1; i < 10; ++i) text += "," + std::to_string(i);
    axes.push_back(text);
  }
  CHECK(RunsOf(SweepOf(axes)).status().code() ==
        absl::StatusCode::kInvalidArgument);
  axes.pop_back();
  CHECK(RunsOf(SweepOf(axes))->size() == kMostRuns);
}

}  // namespace
}  // namespace tributary::simulation
