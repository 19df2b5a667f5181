// SPDX-License-Identifier: Apache-2.0
// The command on the digits that come with the project.
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "simulation/commands/partition.h"
#include "simulation/commands/run.h"
#include "simulation/partition.h"
#include "simulation/population.h"
#include "tributary/dataset.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

namespace fs = std::filesystem;

class SimulateFixture {
 public:
  SimulateFixture() {
    std::string name = (fs::temp_directory_path() / "simulate-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    folder = name;
  }
  ~SimulateFixture() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }

  SimulateOptions Options(const std::string& out, int seed, int rounds,
                          int workers = 1) {
    const fs::path file = folder / (out + ".yaml");
    std::ofstream(file)
        << "name: digits\npopulation: digits\nseed: " << seed
        << "\nmodel: {architecture: {mlp: {inputs: 64, hidden: [32], outputs: "
           "10}}}\n"
           "round: {cohort_size: 5, over_selection: 1.2, min_updates: 4,"
           " selection_timeout: 1s, deadline: 60s}\n"
           "training: {epochs: 2, batch_size: 16, learning_rate: 0.1}\n"
           "update: {max_abs: 4, max_weight: 2000}\n"
           "evaluation: {every_rounds: 2}\n"
           "stop: {rounds: "
        << rounds
        << "}\nsimulation:\n  clients: 6\n"
           "  train: {csv: {path: " TRIBUTARY_DIGITS
           "/train.csv.gz, scale: 0.0625}}\n"
           "  test: {csv: {path: " TRIBUTARY_DIGITS
           "/test.csv.gz, scale: 0.0625}}\n"
           "  partition: {dirichlet: {alpha: 1, min_examples: 10}}\n";
    return {.plan = {.file = file, .settings = {}, .workers = workers},
            .out = folder / out,
            .progress = std::nullopt};
  }

  std::string Read(const std::string& file) const {
    std::ifstream in(folder / file, std::ios::binary);
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path folder;
  std::atomic<bool> interrupted = false;
  std::ostringstream report;
};

TEST_CASE_METHOD(SimulateFixture,
                 "the digits are read in a few rounds, the same for every "
                 "number of workers") {
  REQUIRE(Simulate(Options("one", 7, 6), interrupted, report).ok());
  REQUIRE(Simulate(Options("four", 7, 6, 4), interrupted, report).ok());
  REQUIRE(Simulate(Options("other", 8, 1), interrupted, report).ok());

  const std::string model = Read("one/model.safetensors");
  CHECK((Read("four/model.safetensors") == model));
  CHECK(Read("four/metrics.jsonl") == Read("one/metrics.jsonl"));
  CHECK(Read("four/partition.txt") == Read("one/partition.txt"));
  const std::string events = "/events.out.tfevents.0.tributary";
  CHECK((Read("four" + events) == Read("one" + events)));
  CHECK((Read("other/model.safetensors") != model));

  std::istringstream lines(Read("one/metrics.jsonl"));
  std::string line;
  int round = 0;
  nlohmann::json last;
  while (std::getline(lines, line)) {
    last = nlohmann::json::parse(line);
    CHECK(last.at("round") == ++round);
    CHECK(last.at("accepted") == 5);
    CHECK(last.at("metrics").contains("accuracy") == (round % 2 == 0));
  }
  CHECK(round == 6);
  CHECK(last.at("metrics").at("accuracy").get<double>() > 0.9);
  CHECK(last.at("model") == Sha256(std::string_view(model)).Hex());
}

TEST_CASE_METHOD(SimulateFixture,
                 "a model that does not fit the data is told before anything "
                 "is written") {
  SimulateOptions options = Options("misfit", 7, 6);
  options.plan.settings = {GENERATE("model.architecture.mlp.inputs=63",
                                    "model.architecture.mlp.outputs=1")};
  const absl::Status refused = Simulate(options, interrupted, report).status();
  INFO(refused.message());
  CHECK(refused.code() == absl::StatusCode::kInvalidArgument);
  CHECK(refused.message().find("the model does not train on the data: ") !=
        std::string_view::npos);
  CHECK_FALSE(fs::exists(options.out));
}

// A personalised run judged by its clients every second round.
TEST_CASE_METHOD(SimulateFixture,
                 "clients judge the model they would use, the same for every "
                 "number of workers") {
  const auto run = [&](const std::string& out, int workers,
                       std::vector<std::string> settings) {
    SimulateOptions options = Options(out, 7, 5, workers);
    settings.insert(settings.end(),
                    {"simulation.client_test_fraction=0.3",
                     "simulation.partition={dirichlet: {alpha: 0.1, "
                     "min_examples: 10}}"});
    options.plan.settings = std::move(settings);
    const auto end = Simulate(options, interrupted, report);
    INFO(end.status());
    REQUIRE(end.ok());
  };
  run("own", 1, {"strategy={fedper: {local: [output]}}"});
  run("threads", 4, {"strategy={fedper: {local: [output]}}"});
  run("shared", 1, {"simulation.client_evaluation_every_rounds=0"});
  CHECK(Read("threads/metrics.jsonl") == Read("own/metrics.jsonl"));
  CHECK((Read("threads/model.safetensors") == Read("own/model.safetensors")));

  const auto last_accuracy = [&](const std::string& out,
                                 const std::vector<int>& judged) {
    std::istringstream lines(Read(out + "/metrics.jsonl"));
    std::string line;
    nlohmann::json metrics;
    std::vector<int> rounds;
    int round = 0;
    while (std::getline(lines, line)) {
      const auto json = nlohmann::json::parse(line);
      CHECK(json.at("round") == ++round);
      if (!json.at("metrics").contains("client_count")) continue;
      metrics = json.at("metrics");
      rounds.push_back(round);
    }
    CHECK(round == 5);
    CHECK(rounds == judged);
    CHECK(metrics.at("client_count") == 6);
    CHECK(metrics.at("client_accuracy_worst_decile") <=
          metrics.at("client_accuracy_mean"));
    return metrics.at("client_accuracy_mean").get<double>();
  };
  const double own = last_accuracy("own", {2, 4, 5});
  const double shared = last_accuracy("shared", {5});
  // On so skewed labels a head of one's own serves better than one for all.
  CHECK(own > shared);
  CHECK(Read("own/report.html").find("Each client on examples of its own") !=
        std::string::npos);
}

TEST_CASE_METHOD(SimulateFixture,
                 "the effective plan is simulated to the same bytes") {
  REQUIRE(Simulate(Options("first", 7, 1), interrupted, report).ok());
  SimulateOptions again = Options("again", 7, 1);
  again.plan.file = folder / "first" / "plan.yaml";
  again.out = folder / "again";
  REQUIRE(Simulate(again, interrupted, report).ok());
  CHECK((Read("first/model.safetensors") == Read("again/model.safetensors")));
  CHECK(Read("first/plan.yaml") == Read("again/plan.yaml"));
}

TEST_CASE_METHOD(SimulateFixture,
                 "the files for real clients hold what virtual clients hold") {
  const SimulateOptions options = Options("files", 7, 1);
  REQUIRE(
      WritePartition({.plan = options.plan, .out = options.out}, report).ok());
  v1::SimulationPlan plan;
  plan.set_clients(6);
  plan.mutable_partition()->mutable_dirichlet()->set_alpha(1);
  plan.mutable_partition()->mutable_dirichlet()->set_min_examples(10);
  const CsvOptions scaled{.scale = 0.0625};
  const auto train = ReadCsv(TRIBUTARY_DIGITS "/train.csv.gz", scaled);
  REQUIRE(train.ok());
  const auto partition = MakePartition(
      plan, datasets::Examples{.data = *train, .owner = {}, .owners = {}},
      KeyFromSeed(7));
  REQUIRE(partition.ok());
  for (std::size_t client = 0; client < 6; ++client) {
    const auto file =
        ReadCsv(options.out / (ClientName(client) + ".csv"), scaled);
    REQUIRE(file.ok());
    const auto own = partition->Of(client);
    const Dataset expected = train->Select({own.begin(), own.end()});
    CHECK((file->features == expected.features));
    CHECK((file->targets == expected.targets));
  }
  const auto test = ReadCsv(options.out / "test.csv", scaled);
  REQUIRE(test.ok());
  CHECK(test->Size() == 1797);
}

TEST_CASE_METHOD(SimulateFixture,
                 "a folder that holds something is left alone unless forced") {
  SimulateOptions options = Options("full", 7, 1);
  fs::create_directories(options.out);
  std::ofstream(options.out / "mine.txt") << "mine";
  const auto refused = Simulate(options, interrupted, report);
  CHECK(refused.status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK(WritePartition({.plan = options.plan, .out = options.out}, report)
            .code() == absl::StatusCode::kFailedPrecondition);
  CHECK(Read("full/mine.txt") == "mine");
  options.existing = ExistingFiles::kOverwrite;
  CHECK(Simulate(options, interrupted, report).ok());
}

TEST_CASE_METHOD(SimulateFixture,
                 "an interrupted run leaves a folder with what it has") {
  interrupted = true;
  const auto end = Simulate(Options("stopped", 7, 100), interrupted, report);
  REQUIRE(end.ok());
  CHECK(end->end == round::RunEnd::kStopped);
  CHECK(Read("stopped/metrics.jsonl").empty());
  CHECK(Read("stopped/model.safetensors").size() > 64u * 32 * 4);
  CHECK(Read("stopped/report.html").find("tributary-simulate: stopped") !=
        std::string::npos);
}

TEST_CASE_METHOD(
    SimulateFixture,
    "an interrupted run goes on to the bytes of one that was not") {
  SimulateOptions options = Options("whole", 7, 4);
  REQUIRE(Simulate(options, interrupted, report).ok());
  CHECK_FALSE(fs::exists(folder / "whole" / "checkpoint"));
  options.out = folder / "parts";
  interrupted = true;
  REQUIRE(Simulate(options, interrupted, report).ok());
  REQUIRE(fs::exists(folder / "parts" / "checkpoint" / "run"));

  // It is not overwritten by chance.
  interrupted = false;
  const auto refused = Simulate(options, interrupted, report);
  CHECK(refused.status().message().find("--resume") != std::string::npos);

  SimulateOptions resuming = Resuming(options.out);
  resuming.plan.workers = 2;
  const auto end = Simulate(resuming, interrupted, report);
  INFO(end.status());
  REQUIRE(end.ok());
  CHECK(end->end == round::RunEnd::kFinished);
  for (const char* file :
       {"metrics.jsonl", "model.safetensors", "devices.txt", "plan.yaml",
        "partition.txt", "events.out.tfevents.0.tributary", "run.json"}) {
    INFO(file);
    CHECK((Read(std::string("parts/") + file) ==
           Read(std::string("whole/") + file)));
  }
  CHECK_FALSE(fs::exists(folder / "parts" / "checkpoint"));
  // It is finished.
  CHECK(Simulate(resuming, interrupted, report).status().code() ==
        absl::StatusCode::kNotFound);
}

TEST_CASE_METHOD(SimulateFixture,
                 "a run does not go on by another plan or other data") {
  const SimulateOptions options = Options("stopped", 7, 4);
  interrupted = true;
  REQUIRE(Simulate(options, interrupted, report).ok());
  interrupted = false;
  const std::string plan = Read("stopped/plan.yaml");
  const auto why = [&](const std::string& from, const std::string& to) {
    std::string changed = plan;
    changed.replace(changed.find(from), from.size(), to);
    std::ofstream(folder / "stopped" / "plan.yaml") << changed;
    const auto refused =
        Simulate(Resuming(options.out), interrupted, report).status();
    CHECK(refused.code() == absl::StatusCode::kFailedPrecondition);
    return std::string(refused.message());
  };
  INFO(plan);
  CHECK(why("learning_rate: 0.1", "learning_rate: 0.2")
            .find("training.learning_rate was 0.1, is 0.2") !=
        std::string::npos);
  CHECK(why("seed: 7", "seed: 8").find("seed was 7, is 8") !=
        std::string::npos);
  // What is left is still there to go on with.
  std::ofstream(folder / "stopped" / "plan.yaml") << plan;
  CHECK(Simulate(Resuming(options.out), interrupted, report).ok());
}

TEST_CASE_METHOD(SimulateFixture,
                 "a run that every client failed says why one did") {
  SimulateOptions options = Options("wild", 7, 1);
  options.plan.settings = {
      "model.architecture={linear: {inputs: 64, outputs: 1}}",
      "training.loss=mse", "training.learning_rate=1000"};
  const auto end = Simulate(options, interrupted, report);
  REQUIRE(end.ok());
  CHECK(end->end == round::RunEnd::kFailed);
  INFO(end->reason);
  CHECK(end->reason.find("the last client to fail was client-000") !=
        std::string::npos);
  CHECK(end->reason.find("the loss is ") != std::string::npos);
}

TEST_CASE_METHOD(SimulateFixture, "errors name the plan and the key") {
  SimulateOptions options = Options("bad", 7, 1);
  std::ofstream(options.plan.file, std::ios::app) << "  workers: 0\n";
  const auto limit = Simulate(options, interrupted, report);
  REQUIRE_FALSE(limit.ok());
  CHECK(limit.status().message().find("simulation.workers") !=
        std::string::npos);
  CHECK_FALSE(fs::exists(options.out));

  options = Options("missing", 7, 1);
  std::string text = Read("missing.yaml");
  text.replace(text.find("/train.csv.gz"), 13, "/absent.csv.g");
  std::ofstream(options.plan.file) << text;
  const auto missing = Simulate(options, interrupted, report);
  CHECK(missing.status().message().find("simulation.train") !=
        std::string::npos);
}

}  // namespace
}  // namespace tributary::simulation
