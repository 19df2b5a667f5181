// SPDX-License-Identifier: Apache-2.0
// A whole federation of real processes in a temporary folder: an authority, a
// coordinator over mutual TLS, client processes and an operator. The words the
// end-to-end and fault tests are written in.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/end_to_end/process.h"

namespace tributary::testing {

// The index of the evaluator where an index of a client is asked for.
inline constexpr int kEvaluator = -1;

struct FederationOptions {
  int clients = 4;
  // Text of the plan; its `simulation` section says how the data is cut.
  std::string plan;
  std::string population = "digits";
  // What each client multiplies its features by.
  std::string scale = "0.0625";
  // More of the trainers' command line.
  std::vector<std::string> client_arguments = {};
  // A tree: client i goes to aggregator i modulo these, and to the coordinator
  // while that one is away.
  int aggregators = 0;
  // What the simulator runs instead of the plan; empty: the plan.
  std::string simulated_plan = {};
};

class Federation {
 public:
  explicit Federation(const FederationOptions& options);
  ~Federation();

  void StartCoordinator();
  void KillCoordinator() { coordinator_->Kill(); }
  Process& coordinator() { return *coordinator_; }
  // Once the coordinator has been started.
  void StartAggregator(int index);
  void StartAllAggregators();
  void KillAggregator(int index) { aggregators_.at(index).process->Kill(); }
  Process& aggregator(int index) { return *aggregators_.at(index).process; }
  void StartClient(int index);
  void StartAllClients();
  void KillClient(int index) { clients_.at(index)->Kill(); }
  Process& client(int index) { return *clients_.at(index); }

  // tributaryctl with the operator's credentials.
  Finished Ctl(std::vector<std::string> arguments);
  // Makes first weights and submits the plan; the run's name.
  std::string Submit();
  // `run show` as JSON; empty while the coordinator is away.
  nlohmann::json Show(const std::string& run);
  // Waits until the run has ended, in whatever way; the last `run show`.
  nlohmann::json WaitForEnd(const std::string& run, std::chrono::seconds limit);
  // Waits until `condition(show)`; fails the test when the time is over.
  nlohmann::json WaitFor(
      const std::string& run, std::chrono::seconds limit,
      const std::function<bool(const nlohmann::json&)>& condition);
  // The released model's file bytes.
  std::string Model(const std::string& run, int round = 0);

  // The final model of tributary-simulate on the same plan.
  std::string SimulatedModel();

  // Where the coordinator listens for clients, once it was started.
  const std::string& address() const { return federation_address_; }
  std::filesystem::path folder() const { return folder_; }
  std::filesystem::path plan_file() const { return folder_ / "plan.yaml"; }
  // With options that have one.
  std::filesystem::path simulated_plan_file() const {
    return folder_ / "simulated.yaml";
  }
  std::filesystem::path first_weights() const {
    return folder_ / "first.safetensors";
  }
  std::filesystem::path database() const;

 private:
  struct Aggregator {
    std::unique_ptr<Process> process;
    std::string address;  // once it was started
  };
  void MakeAuthority();
  void MakeIdentity(const std::string& name, const std::string& role,
                    const std::vector<std::string>& extra = {});

  std::filesystem::path folder_;
  FederationOptions options_;
  std::string federation_address_;
  std::string admin_address_;
  std::unique_ptr<Process> coordinator_;
  std::map<int, Aggregator> aggregators_;
  std::map<int, std::unique_ptr<Process>> clients_;
};

// A program of the build under test.
std::string Program(const std::string& name);
std::string ReadFile(const std::filesystem::path& file);

}  // namespace tributary::testing
