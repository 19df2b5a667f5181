// SPDX-License-Identifier: Apache-2.0
// The plans that come with the project, and the commands about their data.
#include <stdlib.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "simulation/commands/data.h"
#include "simulation/commands/plan_source.h"
#include "simulation/commands/run.h"
#include "tests/client/data/folder.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = TRIBUTARY_SOURCE_DIR;

// fs::directory_iterator, or the recursive one.
template <typename Entries>
std::vector<fs::path> ShippedPlans() {
  std::vector<fs::path> plans;
  for (const auto& entry : Entries(kSource / "simulation/plans")) {
    if (entry.path().extension() == ".yaml") plans.push_back(entry.path());
  }
  REQUIRE(plans.size() >= 9);
  return plans;
}

TEST_CASE("every plan that comes along is valid, its data where they are put") {
  for (const fs::path& plan :
       ShippedPlans<fs::recursive_directory_iterator>()) {
    const auto read =
        ReadSimulationPlan({.file = plan, .settings = {}, .data = "/sets"});
    INFO(read.status());
    REQUIRE(read.ok());
    CHECK(read->DebugString().find("${data}") == std::string::npos);
  }
}

TEST_CASE("a plan whose data nobody placed says how to place them") {
  const fs::path plan = kSource / "simulation/plans/mnist_2nn.yaml";
  const auto read = ReadSimulationPlan({.file = plan, .settings = {}});
  CHECK(read.status().message() ==
        plan.string() +
            ": simulation.train.idx.features: ${data}/mnist/"
            "train-images-idx3-ubyte.gz: say with --data FOLDER where the data "
            "sets are");
}

TEST_CASE("every plan that comes along runs on its data") {
  const fs::path shared = kSource / "../shared/data";
  if (!fs::exists(shared)) {
    WARN("skipped: no " << shared);
    return;
  }
  for (const fs::path& plan : ShippedPlans<fs::directory_iterator>()) {
    const data::Folder folder;
    SimulateOptions options{
        .plan = {.file = plan,
                 .settings = {"stop.rounds=1", "round.cohort_size=2",
                              "round.min_updates=2", "round.over_selection=1",
                              "training.epochs=", "training.steps=2",
                              "evaluation.every_rounds=1"},
                 .data = shared},
        .out = folder.path() / "out",
        .progress = std::nullopt};
    std::ostringstream report;
    const std::atomic<bool> interrupted = false;
    const auto end = Simulate(options, interrupted, report);
    INFO(plan << " " << end.status());
    REQUIRE(end.ok());
    INFO(end->reason);
    CHECK(end->end == round::RunEnd::kFinished);
    std::ifstream metrics(options.out / "metrics.jsonl");
    std::string line;
    REQUIRE(std::getline(metrics, line));
    const auto round = nlohmann::json::parse(line);
    CHECK(std::isfinite(round.at("metrics").at("loss").get<double>()));
  }
}

TEST_CASE("the commands about data list, check, and say what is wrong") {
  std::ostringstream list;
  ListData(list);
  CHECK(list.str().find("hapt         human activity") != std::string::npos);
  const data::Folder folder;
  std::ostringstream out;
  const auto missing = CheckData("hapt", folder.path(), out);
  CHECK(out.str().find("licence: \"Any commercial use is prohibited\"") !=
        std::string::npos);
  CHECK(out.str().find("files:   0 of 123 as they were published") !=
        std::string::npos);
  CHECK(missing.code() == absl::StatusCode::kFailedPrecondition);
  CHECK(missing.message().find("123 of 123 files of hapt are missing or "
                               "differ; get them from https://") !=
        std::string::npos);
  CHECK(CheckData("hat", folder.path(), out).code() ==
        absl::StatusCode::kNotFound);
}

TEST_CASE("a set is found within the folder of sets and by itself") {
  const fs::path shared = kSource / "../shared/data";
  if (!fs::exists(shared)) {
    WARN("skipped: no " << shared);
    return;
  }
  std::ostringstream out;
  CHECK(CheckData("cmapss", shared, out).ok());
  CHECK(CheckData("cmapss", shared / "cmapss", out).ok());
}

}  // namespace
}  // namespace tributary::simulation
