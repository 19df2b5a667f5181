// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <string>

#include "proto/codec/yaml.h"
#include "tests/proto/files.h"
#include "tests/proto/plans.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

TEST_CASE("a plan file is read with defaults and absolute paths") {
  const TemporaryFolder folder;
  const auto file = folder.Write(
      "plan.yaml",
      WithLine("model:", "model:\n  weights: ../first.safetensors") +
          "simulation:\n  clients: 12\n  train: {csv: {path: data/a.csv}}\n"
          "  test: {idx: {features: \"${data}/b\", labels: /c}}\n");
  const auto plan = ReadPlan(file);
  INFO(plan.status());
  REQUIRE(plan.ok());
  CHECK(plan->round().max_attempts() == 10);
  CHECK(plan->model().weights() ==
        (folder.path().parent_path() / "first.safetensors").string());
  CHECK(plan->simulation().train().csv().path() ==
        (folder.path() / "data/a.csv").string());
  CHECK(plan->simulation().train().csv().label_column() == "-1");
  CHECK(plan->simulation().test().idx().features() == "${data}/b");
  CHECK(plan->simulation().test().idx().labels() == "/c");
}

TEST_CASE("limits and rules of a file are reported at once, by line") {
  const TemporaryFolder folder;
  const auto file = folder.Write(
      "plan.yaml",
      WithLine("  epochs: 1", "  epochs: 1\n  steps: 2") + "  target: 0.9\n");
  const auto status = ReadPlan(file).status();
  CHECK(Lines(status).size() == 2);
  CHECK(Says(status,
             file.string() + ":12: training: exactly one of epochs and steps"));
  CHECK(Says(status, file.string() + ":22: stop.target: needs stop.metric"));
}

TEST_CASE("one mistake is reported once") {
  const TemporaryFolder folder;
  const auto lines = [&](const std::string& line, const std::string& instead) {
    const auto status =
        ReadPlan(folder.Write("plan.yaml", WithLine(line, instead))).status();
    INFO(status);
    return Lines(status).size();
  };
  CHECK(lines("  epochs: 1", "  epochs: one") == 1);
  // A quorum fits no cohort that is not there.
  const std::string cohort = "  cohort_size: 10";
  const std::string quorum = "\n  min_updates: 2";
  CHECK(lines(cohort, "  cohort_size: ten" + quorum) == 1);
  CHECK(lines(cohort, "  cohort_size: 0" + quorum) == 1);
}

TEST_CASE("a file that is not there is named") {
  CHECK(ReadPlan("/nowhere/plan.yaml").status().code() ==
        absl::StatusCode::kNotFound);
  CHECK_FALSE(ReadPlan(std::filesystem::temp_directory_path()).ok());
}

}  // namespace
}  // namespace tributary::codec
