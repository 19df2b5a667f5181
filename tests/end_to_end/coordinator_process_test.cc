// SPDX-License-Identifier: Apache-2.0
// What the coordinator's process promises to whoever starts it: how it ends,
// and with which exit code.
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/end_to_end/federation.h"
#include "tests/end_to_end/plans.h"
#include "tests/end_to_end/process.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

using std::chrono::seconds;

// The default of `drain`.
constexpr seconds kDrain{20};

struct OneClient : Federation {
  OneClient()
      : Federation({.clients = 1,
                    .plan = DigitsPlan(
                        {.clients = 1, .cohort_size = 1, .min_updates = 1})}) {}

  std::string config() const {
    return (folder() / "coordinator.yaml").string();
  }
  Finished RunCoordinator(const std::vector<std::string>& arguments) {
    std::vector<std::string> command{Program("tributary-coordinator")};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return RunCommand(command);
  }
  void AwaitConnected() {
    const auto end = std::chrono::steady_clock::now() + seconds(30);
    while (std::chrono::steady_clock::now() < end) {
      const Finished listed = Ctl({"clients", "list"});
      INFO(listed.output << listed.errors);
      REQUIRE(listed.exit == 0);
      if (listed.output.find("client-0000") != std::string::npos) return;
    }
    FAIL("the client did not connect");
  }
};

TEST_CASE_METHOD(OneClient, "a coordinator ends on SIGTERM within its drain") {
  StartCoordinator();
  StartClient(0);
  AwaitConnected();
  coordinator().Signal(SIGTERM);
  const auto exit = coordinator().WaitForExit(kDrain);
  INFO(coordinator().Output());
  REQUIRE(exit.has_value());
  CHECK(*exit == 0);
  CHECK(coordinator().WaitForLine("\"stopped\"", seconds(1)).has_value());
}

TEST_CASE_METHOD(OneClient,
                 "a second coordinator leaves a state folder alone") {
  StartCoordinator();
  const Finished second = RunCoordinator({"--config", config()});
  CHECK(second.exit == 1);
  INFO(second.errors);
  CHECK(second.errors.find("is in use by process " +
                           std::to_string(coordinator().pid())) !=
        std::string::npos);
  CHECK(coordinator().IsRunning());
}

TEST_CASE_METHOD(OneClient, "a wrong command line exits with 2") {
  CHECK(RunCoordinator({}).exit == 2);
  CHECK(RunCoordinator({"--config", config(), "--nonsense"}).exit == 2);
}

TEST_CASE_METHOD(OneClient, "--check finds what cannot work") {
  const Finished good = RunCoordinator({"--config", config(), "--check"});
  INFO(good.errors);
  CHECK(good.exit == 0);
  CHECK_FALSE(std::filesystem::exists(folder() / "state"));

  const auto check_with = [&](const std::string& key,
                              const std::string& value) {
    std::string text = ReadFile(config());
    const std::size_t at = text.find(key + ": ") + key.size() + 2;
    text.replace(at, text.find('\n', at) - at, value);
    const std::string changed = (folder() / "changed.yaml").string();
    std::ofstream(changed) << text;
    const Finished checked = RunCoordinator({"--config", changed, "--check"});
    CHECK(checked.exit == 1);
    return checked.errors;
  };
  CHECK(check_with("state", "plan.yaml/state").find("state: ") !=
        std::string::npos);
  CHECK(check_with("certificate", "client-0000.pem")
            .find("has the role trainer") != std::string::npos);
}

}  // namespace
}  // namespace tributary::testing
