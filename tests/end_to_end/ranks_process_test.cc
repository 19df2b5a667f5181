// SPDX-License-Identifier: Apache-2.0
// One simulation in several processes, as torchrun, Slurm and Kubeflow start
// them, on loopback.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "tests/end_to_end/process.h"
#include "yaml-cpp/yaml.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

std::string FreePort() {
  const int socket_number = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* name = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(bind(socket_number, name, length) == 0);
  REQUIRE(getsockname(socket_number, name, &length) == 0);
  close(socket_number);
  return std::to_string(ntohs(address.sin_port));
}

class RanksFixture {
 public:
  RanksFixture() {
    std::string name = (fs::temp_directory_path() / "ranks-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    folder = name;
    std::ofstream(folder / "plan.yaml")
        << "name: digits\npopulation: digits\nseed: 7\n"
           "model: {architecture: {mlp: {inputs: 64, hidden: [32], outputs: "
           "10}}}\n"
           "round: {cohort_size: 6, over_selection: 1.2, min_updates: 4,"
           " selection_timeout: 1s, deadline: 60s}\n"
           "training: {epochs: 2, batch_size: 16, learning_rate: 0.1}\n"
           "update: {max_abs: 4, max_weight: 2000, encoding: int8}\n"
           "evaluation: {every_rounds: 2}\n"
           "stop: {rounds: 8}\n"
           "simulation:\n  clients: 12\n"
           "  train: {csv: {path: " TRIBUTARY_SOURCE_DIR
           "/simulation/data/optdigits/train.csv.gz, scale: 0.0625}}\n"
           "  test: {csv: {path: " TRIBUTARY_SOURCE_DIR
           "/simulation/data/optdigits/test.csv.gz, scale: 0.0625}}\n"
           "  partition: {dirichlet: {alpha: 1, min_examples: 10}}\n"
           "  client_test_fraction: 0.2\n"
           "  dropout: {while_training: 0.1}\n";
  }
  ~RanksFixture() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }

  std::string Read(const std::string& file) const {
    std::ifstream in(folder / file, std::ios::binary);
    INFO(file);
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>(in), {}};
  }

  // tributary-simulate on the plan, into a folder of this name.
  std::vector<std::string> Command(const std::string& out,
                                   const std::vector<std::string>& more = {}) {
    std::vector<std::string> command = {
        TRIBUTARY_PROGRAMS "/tributary-simulate",
        (folder / "plan.yaml").string(), "--out", (folder / out).string()};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  // The command as one of two ranks that meet at this port.
  std::unique_ptr<Process> StartRank(int rank, const std::string& port,
                                     const std::vector<std::string>& command) {
    std::vector<std::string> line = {
        "/usr/bin/env", "RANK=" + std::to_string(rank), "WORLD_SIZE=2",
        "MASTER_ADDR=127.0.0.1", "MASTER_PORT=" + port};
    line.insert(line.end(), command.begin(), command.end());
    return std::make_unique<Process>(
        line, folder / ("rank" + std::to_string(rank) + ".log"));
  }

  void CheckSameResults(const std::string& one, const std::string& other) {
    for (const char* file :
         {"/model.safetensors", "/metrics.jsonl", "/plan.yaml", "/devices.txt",
          "/events.out.tfevents.0.tributary", "/partition.txt"}) {
      INFO(file);
      CHECK((Read(one + file) == Read(other + file)));
    }
  }

  fs::path folder;
};

TEST_CASE_METHOD(RanksFixture,
                 "two ranks leave the same results as one process") {
  const Finished alone = RunCommand(Command("alone"));
  INFO(alone.errors);
  REQUIRE(alone.exit == 0);

  SECTION("told by the environment") {
    const std::string port = FreePort();
    const auto second = StartRank(1, port, Command("ranks", {"--workers=2"}));
    const auto first = StartRank(0, port, Command("ranks"));
    CHECK(first->WaitForExit(seconds(60)) == 0);
    CHECK(second->WaitForExit(seconds(60)) == 0);
    INFO(first->Output());
    CHECK(second->Output().find("round") == std::string::npos);
  }
  SECTION("started by the first of them") {
    const Finished ranks = RunCommand(Command("ranks", {"--ranks", "2"}));
    INFO(ranks.errors);
    CHECK(ranks.exit == 0);
  }
  CheckSameResults("alone", "ranks");
}

TEST_CASE_METHOD(RanksFixture, "a rank that is killed ends the others") {
  const std::string port = FreePort();
  // Long enough to be killed in the middle.
  const std::vector<std::string> endless = {"--set", "stop.rounds=100000"};
  const auto first = StartRank(0, port, Command("killed", endless));
  const auto second = StartRank(1, port, Command("killed", endless));
  REQUIRE(first->WaitForLine("round 3", seconds(60)));

  SECTION("the last one") {
    second->Kill();
    CHECK(first->WaitForExit(seconds(30)) == 1);
    INFO(first->Output());
    CHECK(first->Output().find("rank 1 is gone, or does not answer") !=
          std::string::npos);
  }
  SECTION("the first one") {
    first->Kill();
    CHECK(second->WaitForExit(seconds(30)) == 1);
    INFO(second->Output());
    CHECK(second->Output().find("rank 1: ") != std::string::npos);
    CHECK(second->Output().find("rank 0 is gone, or cannot be reached") !=
          std::string::npos);
  }
}

TEST_CASE_METHOD(RanksFixture, "ranks of different runs are refused") {
  const std::string port = FreePort();
  const auto first = StartRank(0, port, Command("mixed"));
  const auto second = StartRank(1, port, Command("mixed", {"--set", "seed=8"}));
  CHECK(first->WaitForExit(seconds(60)) == 1);
  CHECK(second->WaitForExit(seconds(60)) == 1);
  for (const auto& rank : {first->Output(), second->Output()}) {
    INFO(rank);
    CHECK(rank.find("seed") != std::string::npos);
    CHECK(rank.find("rank 1") != std::string::npos);
  }
  CHECK_FALSE(fs::exists(folder / "mixed" / "model.safetensors"));
}

TEST_CASE_METHOD(RanksFixture,
                 "an interrupt of one rank stops all, and they go on together "
                 "or alone to the same bytes") {
  const std::vector<std::string> rounds = {"--set", "stop.rounds=60"};
  REQUIRE(RunCommand(Command("alone", rounds)).exit == 0);
  const std::string port = FreePort();
  const auto first = StartRank(0, port, Command("stopped", rounds));
  const auto second = StartRank(1, port, Command("stopped", rounds));
  REQUIRE(first->WaitForLine("round 3", seconds(60)));
  second->Signal(SIGINT);
  REQUIRE(first->WaitForExit(seconds(60)) == 130);
  REQUIRE(second->WaitForExit(seconds(60)) == 130);
  const std::string program = TRIBUTARY_PROGRAMS "/tributary-simulate";
  std::vector<std::string> resume = {program, "--resume",
                                     (folder / "stopped").string()};
  SECTION("together") {
    resume.insert(resume.end(), {"--ranks", "2"});
    REQUIRE(RunCommand(resume).exit == 0);
  }
  SECTION("alone") { REQUIRE(RunCommand(resume).exit == 0); }
  CheckSameResults("alone", "stopped");
}

// srun starts the command once a task and numbers them; scontrol names
// machines.
TEST_CASE_METHOD(RanksFixture, "the Slurm script makes the run") {
  REQUIRE(RunCommand(Command("alone")).exit == 0);
  const auto fake = [this](const std::string& name, const std::string& script) {
    std::ofstream(folder / name) << "#!/bin/bash\n" << script;
    fs::permissions(folder / name, fs::perms::owner_all);
  };
  fake("scontrol", "echo 127.0.0.1\n");
  fake("srun",
       "shift\nfor ((i = 0; i < SLURM_NTASKS; ++i)); do\n"
       "  SLURM_PROCID=$i \"$@\" & tasks+=($!)\ndone\n"
       "for task in \"${tasks[@]}\"; do wait \"$task\" || exit; done\n");
  const auto submit = [&](const std::string& first, const std::string& second) {
    return RunCommand(
        {"/usr/bin/env",
         "PATH=" + folder.string() + ":" TRIBUTARY_PROGRAMS ":/usr/bin:/bin",
         "SLURM_JOB_NODELIST=node[0-1]", "SLURM_JOB_ID=" + FreePort(),
         "SLURM_NTASKS=2", "SLURM_CPUS_PER_TASK=1", "DATA=" + folder.string(),
         TRIBUTARY_SOURCE_DIR "/deploy/slurm/simulate.sbatch", first, second});
  };
  const Finished job =
      submit((folder / "plan.yaml").string(), (folder / "slurm").string());
  INFO(job.errors);
  REQUIRE(job.exit == 0);
  // There is nothing to go on with, and that is what it says.
  const Finished again = submit("--resume", (folder / "slurm").string());
  INFO(again.errors);
  CHECK(again.exit == 1);
  CHECK((Read("slurm/model.safetensors") == Read("alone/model.safetensors")));
  CHECK(Read("slurm/metrics.jsonl") == Read("alone/metrics.jsonl"));
}

// As far as it can be checked without a cluster.
TEST_CASE("the Kubeflow job gives every pod the same command") {
  const YAML::Node job =
      YAML::LoadFile(TRIBUTARY_SOURCE_DIR "/deploy/kubeflow/simulate.yaml");
  CHECK(job["kind"].as<std::string>() == "PyTorchJob");
  const std::string help =
      RunCommand({TRIBUTARY_PROGRAMS "/tributary-simulate", "run", "--help"})
          .output;
  const YAML::Node replicas = job["spec"]["pytorchReplicaSpecs"];
  CHECK(replicas["Master"]["replicas"].as<int>() == 1);
  for (const char* role : {"Master", "Worker"}) {
    const YAML::Node pod = replicas[role]["template"]["spec"];
    const YAML::Node container = pod["containers"][0];
    // The operator sets the variables in the container of this name only.
    CHECK(container["name"].as<std::string>() == "pytorch");
    CHECK(container["volumeMounts"].size() == pod["volumes"].size());
    for (const auto& argument : container["args"]) {
      const auto text = argument.as<std::string>();
      if (!text.starts_with("--")) continue;
      INFO(text);
      CHECK(help.find(text.substr(0, text.find('='))) != std::string::npos);
    }
  }
}

TEST_CASE_METHOD(RanksFixture, "errors of the environment name the variable") {
  std::vector<std::string> line = {"/usr/bin/env", "RANK=1", "WORLD_SIZE=2",
                                   "MASTER_ADDR=127.0.0.1"};
  const auto command = Command("out");
  line.insert(line.end(), command.begin(), command.end());
  const Finished failed = RunCommand(line);
  CHECK(failed.exit == 1);
  CHECK(failed.errors.find("MASTER_PORT is not set") != std::string::npos);
}

}  // namespace
}  // namespace tributary::testing
