// SPDX-License-Identifier: Apache-2.0
#include "tests/end_to_end/federation.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "tests/catch.h"

namespace tributary::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

std::string ClientName(int index) {
  std::ostringstream name;
  name << "client-";
  name.width(4);
  name.fill('0');
  name << index;
  return name.str();
}

std::string AggregatorName(int index) {
  return "edge-" + std::to_string(index + 1);
}

// The value of `key=` in a log line.
std::string Field(const std::string& line, const std::string& key) {
  const auto start = line.find(key + "=");
  REQUIRE(start != std::string::npos);
  const auto from = start + key.size() + 1;
  return line.substr(from, line.find_first_of(" \n", from) - from);
}

void Require(const Finished& finished, const std::string& what) {
  INFO(what << " exited " << finished.exit << "\n"
            << finished.output << finished.errors);
  REQUIRE(finished.exit == 0);
}

}  // namespace

std::string Program(const std::string& name) {
  return std::string(TRIBUTARY_PROGRAMS) + "/" + name;
}

std::string ReadFile(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  INFO(file.string());
  REQUIRE(in.good());
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Federation::Federation(const FederationOptions& options) : options_(options) {
  std::string name = (fs::temp_directory_path() / "tributary-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  folder_ = name;
  std::ofstream(plan_file()) << options_.plan;
  MakeAuthority();
  fs::path cut = plan_file();
  if (!options_.simulated_plan.empty()) {
    cut = simulated_plan_file();
    std::ofstream(cut) << options_.simulated_plan;
  }
  Require(RunCommand({Program("tributary-simulate"), "partition", cut.string(),
                      "--out", (folder_ / "data").string()}),
          "partition");
  std::ofstream(folder_ / "coordinator.yaml")
      << "listen: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\nhttp_listen: off\n"
         "state: state\nidle_earliest: 100ms\nidle_latest: 300ms\n"
         "tls:\n  authority: pki/ca.pem\n  certificate: coordinator.pem\n"
         "  key: coordinator.key\n  crl: pki/crl.pem\n";
}

Federation::~Federation() {
  clients_.clear();
  aggregators_.clear();
  coordinator_.reset();
  // Kept for a look when a test failed.
  if (std::uncaught_exceptions() == 0) {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
}

void Federation::MakeAuthority() {
  Require(RunCommand({Program("tributaryctl"), "pki", "init",
                      (folder_ / "pki").string()}),
          "pki init");
  MakeIdentity("coordinator", "coordinator",
               {"--san", "localhost", "--ip", "127.0.0.1"});
  MakeIdentity("operator", "operator");
  MakeIdentity("evaluator", "evaluator");
  for (int i = 0; i < options_.aggregators; ++i) {
    MakeIdentity(AggregatorName(i), "aggregator");
  }
  for (int i = 0; i < options_.clients; ++i) {
    MakeIdentity(ClientName(i), "trainer");
  }
}

void Federation::MakeIdentity(const std::string& name, const std::string& role,
                              const std::vector<std::string>& extra) {
  std::vector<std::string> request{
      Program("tributaryctl"), "pki", "request", name, "--out",
      folder_.string()};
  request.insert(request.end(), extra.begin(), extra.end());
  Require(RunCommand(request), "pki request " + name);
  Require(RunCommand({Program("tributaryctl"), "pki", "sign",
                      (folder_ / (name + ".csr")).string(), "--pki",
                      (folder_ / "pki").string(), "--role", role, "--out",
                      (folder_ / (name + ".pem")).string()}),
          "pki sign " + name);
}

void Federation::StartCoordinator() {
  coordinator_ = std::make_unique<Process>(
      std::vector<std::string>{Program("tributary-coordinator"), "--config",
                               (folder_ / "coordinator.yaml").string()},
      folder_ / "coordinator.log");
  const auto line = coordinator_->WaitForLine("federation=", seconds(30));
  INFO(coordinator_->Output());
  REQUIRE(line.has_value());
  if (!federation_address_.empty()) return;
  // Later starts come back on the ports the first one was given.
  federation_address_ = Field(*line, "federation");
  admin_address_ = Field(*line, "admin");
  std::string config = ReadFile(folder_ / "coordinator.yaml");
  const std::string any = "127.0.0.1:0";
  config.replace(config.find(any), any.size(), federation_address_);
  config.replace(config.find(any), any.size(), admin_address_);
  std::ofstream(folder_ / "coordinator.yaml") << config;
}

void Federation::StartAggregator(int index) {
  const std::string name = AggregatorName(index);
  Aggregator& aggregator = aggregators_[index];
  const fs::path config = folder_ / (name + ".yaml");
  const std::string listen =
      aggregator.address.empty() ? "127.0.0.1:0" : aggregator.address;
  // Of its clients' coordinator all have one certificate here.
  std::ofstream(config)
      << "listen: " << listen
      << "\nadmin_listen: 127.0.0.1:0\nhttp_listen: off\n"
         "idle_earliest: 100ms\nidle_latest: 300ms\nstate: "
      << name
      << "-state\n"
         "tls: {authority: pki/ca.pem, certificate: coordinator.pem, "
         "key: coordinator.key, crl: pki/crl.pem}\n"
         "parent:\n  addresses: [\""
      << federation_address_ << "\"]\n  population: " << options_.population
      << "\n  tls: {authority: pki/ca.pem, certificate: " << name
      << ".pem, key: " << name << ".key}\n";
  aggregator.process = std::make_unique<Process>(
      std::vector<std::string>{Program("tributary-coordinator"), "--config",
                               config.string()},
      folder_ / (name + ".log"));
  const auto line = aggregator.process->WaitForLine("federation=", seconds(30));
  INFO(aggregator.process->Output());
  REQUIRE(line.has_value());
  aggregator.address = Field(*line, "federation");
}

void Federation::StartAllAggregators() {
  for (int i = 0; i < options_.aggregators; ++i) StartAggregator(i);
}

void Federation::StartClient(int index) {
  const std::string name =
      index == kEvaluator ? "evaluator" : ClientName(index);
  const std::string data =
      index == kEvaluator ? "test.csv" : ClientName(index) + ".csv";
  const bool is_leaf = options_.aggregators > 0 && index != kEvaluator;
  std::vector<std::string> command{
      Program("tributary-client"),
      "--coordinator",
      is_leaf ? aggregators_.at(index % options_.aggregators).address
              : federation_address_,
      "--population",
      options_.population,
      "--ca",
      (folder_ / "pki" / "ca.pem").string(),
      "--cert",
      (folder_ / (name + ".pem")).string(),
      "--key",
      (folder_ / (name + ".key")).string(),
      "--state",
      (folder_ / "clients" / name).string(),
      "--data",
      (folder_ / "data" / data).string(),
      "--scale",
      options_.scale};
  if (is_leaf) {
    command.insert(command.end(),
                   {"--fallback", federation_address_, "--patience", "2"});
  }
  if (index == kEvaluator) {
    command.insert(command.end(),
                   {"--test", (folder_ / "data" / data).string()});
  } else {
    command.insert(command.end(), options_.client_arguments.begin(),
                   options_.client_arguments.end());
  }
  clients_[index] =
      std::make_unique<Process>(command, folder_ / (name + ".log"));
}

void Federation::StartAllClients() {
  for (int i = 0; i < options_.clients; ++i) StartClient(i);
}

Finished Federation::Ctl(std::vector<std::string> arguments) {
  std::vector<std::string> command{Program("tributaryctl"),
                                   "--admin",
                                   admin_address_,
                                   "--ca",
                                   (folder_ / "pki" / "ca.pem").string(),
                                   "--cert",
                                   (folder_ / "operator.pem").string(),
                                   "--key",
                                   (folder_ / "operator.key").string(),
                                   "--json"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return RunCommand(command);
}

std::string Federation::Submit() {
  Require(RunCommand({Program("tributary-model"), "init", plan_file().string(),
                      "--out", first_weights().string()}),
          "tributary-model init");
  const auto submitted = Ctl({"run", "submit", plan_file().string(),
                              "--weights", first_weights().string()});
  Require(submitted, "run submit");
  return nlohmann::json::parse(submitted.output).at("run");
}

nlohmann::json Federation::Show(const std::string& run) {
  const auto shown = Ctl({"run", "show", run});
  if (shown.exit != 0) return {};
  return nlohmann::json::parse(shown.output);
}

nlohmann::json Federation::WaitFor(
    const std::string& run, seconds limit,
    const std::function<bool(const nlohmann::json&)>& condition) {
  const auto end = std::chrono::steady_clock::now() + limit;
  nlohmann::json show;
  while (std::chrono::steady_clock::now() < end) {
    show = Show(run);
    if (!show.is_null() && condition(show)) return show;
  }
  INFO("the run stands at " << show.dump(1) << "\n" << coordinator_->Output());
  FAIL("the run did not come to what the test waits for");
  return {};
}

nlohmann::json Federation::WaitForEnd(const std::string& run, seconds limit) {
  return WaitFor(run, limit, [](const nlohmann::json& show) {
    const std::string state = show.at("summary").at("state");
    return state != "RUNNING" && state != "PAUSED";
  });
}

std::string Federation::Model(const std::string& run, int round) {
  const fs::path file = folder_ / "model.out.safetensors";
  std::vector<std::string> arguments{"model", "get", run, "--out",
                                     file.string()};
  if (round > 0) {
    arguments.insert(arguments.end(), {"--round", std::to_string(round)});
  }
  fs::remove(file);
  Require(Ctl(arguments), "model get");
  return ReadFile(file);
}

std::string Federation::SimulatedModel() {
  const fs::path results = folder_ / "simulated";
  const fs::path plan =
      options_.simulated_plan.empty() ? plan_file() : simulated_plan_file();
  Require(RunCommand({Program("tributary-simulate"), plan.string(), "--out",
                      results.string(), "--quiet"}),
          "tributary-simulate");
  return ReadFile(results / "model.safetensors");
}

fs::path Federation::database() const {
  return folder_ / "state" / "tributary.db";
}

}  // namespace tributary::testing
