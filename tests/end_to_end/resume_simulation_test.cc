// SPDX-License-Identifier: Apache-2.0
// The real simulator, interrupted and killed, goes on to the same bytes.
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "tests/end_to_end/process.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

class ResumeFixture {
 public:
  ResumeFixture() {
    std::string name =
        (fs::temp_directory_path() / "tributary-resume-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    folder = name;
    std::ofstream(folder / "plan.yaml")
        << "name: digits\npopulation: digits\nseed: 7\n"
           "model: {architecture: {mlp: {inputs: 64, hidden: [256], outputs: "
           "10}}}\n"
           "round: {cohort_size: 5, over_selection: 1.2, min_updates: 3}\n"
           "training: {epochs: 200, batch_size: 10, learning_rate: 0.05}\n"
           "update: {max_abs: 4, max_weight: 2000}\n"
           "strategy: {scaffold: {}}\n"
           "evaluation: {every_rounds: 2}\n"
           "stop: {rounds: 9}\n"
           "simulation:\n  clients: 8\n"
           "  dropout: {while_training: 0.1}\n"
           "  client_test_fraction: 0.2\n"
           "  train: {csv: {path: " TRIBUTARY_SOURCE_DIR
           "/simulation/data/optdigits/train.csv.gz, scale: 0.0625}}\n"
           "  test: {csv: {path: " TRIBUTARY_SOURCE_DIR
           "/simulation/data/optdigits/test.csv.gz, scale: 0.0625}}\n"
           "  partition: {dirichlet: {alpha: 1, min_examples: 10}}\n";
  }
  ~ResumeFixture() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }

  static std::vector<std::string> Command(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     TRIBUTARY_PROGRAMS "/tributary-simulate");
    return arguments;
  }
  std::vector<std::string> Start(const std::string& out,
                                 const std::string& every) {
    return Command({(folder / "plan.yaml").string(), "--out",
                    (folder / out).string(), "--checkpoint-every", every});
  }
  std::vector<std::string> Resume(const std::string& out,
                                  const std::string& workers) {
    return Command({"--resume", (folder / out).string(), "--workers", workers,
                    "--checkpoint-every", "1"});
  }
  // The run takes some seconds, or it is done before its first checkpoint.
  void AwaitCheckpoint(Process& run, const std::string& out) {
    const auto limit = std::chrono::steady_clock::now() + seconds(300);
    while (!fs::exists(folder / out / "checkpoint/run")) {
      REQUIRE(std::chrono::steady_clock::now() < limit);
      REQUIRE(run.IsRunning());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  std::string Read(const std::string& file) {
    std::ifstream in(folder / file, std::ios::binary);
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void CheckSame(const std::string& out) {
    for (const char* file :
         {"metrics.jsonl", "model.safetensors", "devices.txt", "plan.yaml",
          "run.json", "events.out.tfevents.0.tributary"}) {
      INFO(file);
      CHECK((Read(out + "/" + file) == Read(std::string("whole/") + file)));
    }
    const std::string times = Read(out + "/timing.jsonl");
    CHECK(std::count(times.begin(), times.end(), '\n') == 9);
    CHECK_FALSE(fs::exists(folder / out / "checkpoint"));
  }

  fs::path folder;
};

TEST_CASE_METHOD(ResumeFixture,
                 "interrupted or killed, a simulation goes on to the same "
                 "bytes") {
  const Finished whole = RunCommand(Start("whole", "0"));
  INFO(whole.errors);
  REQUIRE(whole.exit == 0);

  SECTION("interrupted after some rounds, resumed by two workers") {
    Process first(Start("stopped", "0"), folder / "first.log");
    REQUIRE(first.WaitForLine("round 3 of 9", seconds(300)));
    first.Signal(SIGINT);
    CHECK(first.WaitForLine("finishing the round", seconds(300)));
    CHECK(first.WaitForLine("tributary-simulate --resume", seconds(300)));
    CHECK(first.WaitForExit(seconds(300)) == 130);
    CHECK(Read("stopped/run.json").find("stopped") != std::string::npos);
    const Finished second = RunCommand(Resume("stopped", "2"));
    INFO(second.errors);
    REQUIRE(second.exit == 0);
    CHECK(second.errors.find("goes on after round") != std::string::npos);
    CheckSame("stopped");
  }

  SECTION("interrupted a second time while the round ends") {
    Process first(Start("twice", "0.01"), folder / "first.log");
    AwaitCheckpoint(first, "twice");
    first.Signal(SIGINT);
    first.Signal(SIGTERM);
    CHECK(first.WaitForExit(seconds(60)) == 130);
    // It did not wait for the round: it said nothing after it.
    CHECK(first.Output().find("finishing the round") != std::string::npos);
    CHECK(first.Output().find("to go on") == std::string::npos);
    CHECK(Read("twice/run.json").find("running") != std::string::npos);
    const Finished second = RunCommand(Resume("twice", "1"));
    INFO(second.errors);
    REQUIRE(second.exit == 0);
    CheckSame("twice");
  }

  SECTION("killed after a checkpoint, and killed again") {
    {
      Process first(Start("killed", "0.01"), folder / "first.log");
      AwaitCheckpoint(first, "killed");
      first.Kill();
    }
    {
      Process second(Resume("killed", "1"), folder / "second.log");
      CHECK(second.WaitForLine("goes on after round", seconds(300)));
      second.Kill();
    }
    const Finished third = RunCommand(Resume("killed", "1"));
    INFO(third.errors);
    REQUIRE(third.exit == 0);
    CheckSame("killed");
  }
}

TEST_CASE_METHOD(ResumeFixture, "what goes on is named alone") {
  const Finished both =
      RunCommand(Command({"--resume", folder.string(), "--set", "seed=2"}));
  CHECK(both.exit == 2);
  const Finished neither = RunCommand(Command({"--quiet"}));
  CHECK(neither.exit == 2);
  const Finished nothing = RunCommand(Command({"--resume", folder.string()}));
  CHECK(nothing.exit == 1);
  CHECK(nothing.errors.find("checkpoint/run: not found") != std::string::npos);
}

}  // namespace
}  // namespace tributary::testing
