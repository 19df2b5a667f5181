// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/run_record.h"

#include <string>

#include "tests/proto/files.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

constexpr const char* kPlan =
    "name: digits\nround:\n  cohort_size: 20\nmodel:\n  hidden: [64, 32]\n"
    "server: {fedavg: {}}\n";
constexpr const char* kRounds =
    R"({"round":1,"accepted":3,"train_loss":0.5,"metrics":{}})"
    "\n"
    R"({"round":2,"accepted":4,"train_loss":0.25,"metrics":{"accuracy":0.9}})"
    "\n";

class RunFixture {
 public:
  RunFixture() {
    folder.Write("plan.yaml", kPlan);
    folder.Write("metrics.jsonl", kRounds);
  }
  RunRecord Read() {
    auto run = ReadRun(folder.path());
    INFO(run.status());
    REQUIRE(run.ok());
    return *run;
  }
  std::string Error() {
    const auto run = ReadRun(folder.path());
    REQUIRE_FALSE(run.ok());
    return std::string(run.status().message());
  }
  const TemporaryFolder folder;
};

TEST_CASE_METHOD(RunFixture, "a folder's numbers are columns over rounds") {
  const RunRecord run = Read();
  CHECK(run.Columns() == std::vector<std::string>{"accepted",
                                                  "metrics.accuracy", "round",
                                                  "train_loss"});
  CHECK(run.Over("round", "train_loss") ==
        std::vector<Point>{{1, 0.5}, {2, 0.25}});
  CHECK(run.Over("accepted", "metrics.accuracy") ==
        std::vector<Point>{{4, 0.9}});
  CHECK(run.Total("accepted") == 7);
  CHECK_FALSE(run.Total("bytes_up").has_value());
  CHECK(run.Last("train_loss") == 0.25);
  CHECK(run.status.end == "running");
}

TEST_CASE_METHOD(RunFixture, "times join the rounds that are written") {
  folder.Write("timing.jsonl",
               "{\"round\":1,\"wall_seconds\":2}\n"
               "{\"round\":3,\"wall_seconds\":9}\n");
  const RunRecord run = Read();
  CHECK(run.Total("wall_seconds") == 2);
  CHECK(run.rounds.size() == 2);
}

TEST_CASE_METHOD(RunFixture, "a run's end and exceptions are read back") {
  folder.Write("run.json", ToJson({.end = "failed",
                                   .reason = "no \"clients\"",
                                   .parameters = 7,
                                   .exceptions = {"a: b"},
                                   .privacy = PrivacyStatement{
                                       .epsilon = 1.5,
                                       .delta = 1e-5,
                                       .releases = 3,
                                       .unit = "client",
                                       .neighbours = "replace one",
                                       .sampling = "none",
                                       .accountant = "PLD",
                                       .noise = "local",
                                       .noise_multiplier = 2},
                                   .masks = "on"}));
  const RunStatus status = Read().status;
  CHECK(status.end == "failed");
  CHECK(status.reason == "no \"clients\"");
  CHECK(status.parameters == 7);
  CHECK(status.exceptions == std::vector<std::string>{"a: b"});
  CHECK(status.masks == "on");
  REQUIRE(status.privacy);
  CHECK(status.privacy->epsilon == 1.5);
  CHECK(status.privacy->releases == 3);
  CHECK(status.privacy->neighbours == "replace one");
  CHECK(status.privacy->noise_multiplier == 2);
}

TEST_CASE_METHOD(RunFixture, "the partition is its summary and its picture") {
  folder.Write("partition.txt", "2 clients\n10 classes\n\nclient-0000 3\n");
  folder.Write("partition.svg", "<svg/>");
  CHECK(Read().partition == "2 clients\n10 classes");
  CHECK(Read().partition_picture == "<svg/>");
}

TEST_CASE_METHOD(RunFixture, "a line torn by a kill is left out") {
  folder.Write("metrics.jsonl", std::string(kRounds) + R"({"round":3,"acc)");
  CHECK(Read().rounds.size() == 2);
}

TEST_CASE_METHOD(RunFixture, "what is wrong is named with its file and line") {
  const std::string metrics = (folder.path() / "metrics.jsonl").string();
  folder.Write("metrics.jsonl", std::string(kRounds) + "[1]\n");
  CHECK(Error().find(metrics + ":3: expected an object") == 0);
  folder.Write("metrics.jsonl", "{\"round\":\"one\"}\n");
  CHECK(Error().find(metrics + ":1: ") == 0);
  folder.Write("metrics.jsonl", kRounds);
  folder.Write("run.json", "{}");
  CHECK(Error().find((folder.path() / "run.json").string()) == 0);
  folder.Write("plan.yaml", "a: [1\n");
  CHECK(Error().find((folder.path() / "plan.yaml").string()) == 0);
}

TEST_CASE("a folder without results says so") {
  const TemporaryFolder empty;
  const auto run = ReadRun(empty.path());
  CHECK(run.status().code() == absl::StatusCode::kNotFound);
  CHECK(std::string(run.status().message()).find("is this a results folder?") !=
        std::string::npos);
}

TEST_CASE("a plan is flattened to dotted keys") {
  const auto plan = FlattenPlan(kPlan);
  REQUIRE(plan.ok());
  CHECK(*plan == std::vector<PlanValue>{{"name", "digits"},
                                        {"round.cohort_size", "20"},
                                        {"model.hidden", "[64, 32]"},
                                        {"server.fedavg", "{}"}});
}

}  // namespace
}  // namespace tributary::simulation
