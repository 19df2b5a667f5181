// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/subjects.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "proto/codec/plan.h"
#include "proto/codec/safetensors.h"
#include "proto/codec/yaml.h"
#include "tributary/v1/admin.grpc.pb.h"

namespace tributary::bench {
namespace {

std::string ReadFile(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

// The value of key=value in a log line.
std::string ValueOf(const std::string& line, const std::string& key) {
  const std::size_t at = line.find(" " + key + "=");
  if (at == std::string::npos) Fail("no " + key + " in: " + line);
  const std::size_t begin = at + key.size() + 2;
  return line.substr(begin, line.find(' ', begin) - begin);
}

std::string AwaitLine(const std::string& file, const std::string& text) {
  for (int attempt = 0; attempt < 1000; ++attempt) {
    std::ifstream log(file);
    for (std::string line; std::getline(log, line);) {
      if (line.find(text) != std::string::npos) return line;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  Fail("the coordinator did not come to \"" + text + "\":\n" + ReadFile(file));
}

v1::Plan PlanFor(int clients) {
  v1::Plan plan;
  plan.set_name("bench");
  plan.set_population("bench");
  plan.set_seed(1);
  plan.mutable_model()->mutable_architecture()->mutable_fedavg_cnn();
  plan.mutable_round()->set_cohort_size(clients);
  plan.mutable_round()->set_over_selection(1.0);
  plan.mutable_round()->mutable_deadline()->set_seconds(600);
  plan.mutable_training()->set_steps(1);
  plan.mutable_training()->set_batch_size(1);
  plan.mutable_training()->set_learning_rate(0.1);
  plan.mutable_update()->set_max_abs(1);
  plan.mutable_update()->set_max_weight(100);
  plan.mutable_stop()->set_rounds(100'000);
  return codec::WithDefaults(plan);
}

std::string WeightsFor(const v1::Plan& plan, std::size_t floats,
                       const std::filesystem::path& file) {
  TensorSpec tensor;
  tensor.name = "weights";
  tensor.shape = {static_cast<std::int64_t>(floats)};
  const Manifest manifest({tensor});
  const std::vector<float> weights(floats, 0.01f);
  const absl::Status written = codec::WriteSafetensors(
      file, manifest,
      {{"tributary.architecture",
        codec::ArchitectureToJson(plan.model().architecture())}},
      weights);
  if (!written.ok()) Fail(written.ToString());
  return ReadFile(file.string());
}

}  // namespace

Certificates::Certificates(int clients) {
  const testing::Authority authority("bench authority");
  folder_.Write("ca.pem", authority.certificate());
  const auto issue = [&](const std::string& name, const std::string& role) {
    const testing::IssuedCertificate issued =
        authority.Issue(name, {testing::RoleUri(role)});
    folder_.Write(name + ".pem", issued.certificate);
    folder_.Write(name + ".key", issued.key);
  };
  issue("server", "coordinator");
  issue("operator", "operator");
  for (int i = 0; i < clients; ++i) {
    issue("load-" + std::to_string(i), "trainer");
  }
}

CoordinatorSubject::CoordinatorSubject(const Bench& bench, Transport transport)
    : bench_(bench), transport_(transport) {
  std::ostringstream config;
  config << "listen: 127.0.0.1:0\n"
         << "admin_listen: 127.0.0.1:0\n"
         << "http_listen: 127.0.0.1:0\n"
         << "state: state\n";
  if (transport == Transport::kTls) {
    config << "tls:\n"
           << "  authority: " << bench.certificates.File("ca.pem") << "\n"
           << "  certificate: " << bench.certificates.File("server.pem") << "\n"
           << "  key: " << bench.certificates.File("server.key") << "\n";
  } else {
    config << "insecure: true\n";
  }
  const std::string file =
      folder_.Write("coordinator.yaml", config.str()).string();
  log_ = (folder_.path() / "log").string();
  const std::string program =
      (bench.programs / "tributary-coordinator").string();
  process_ = std::make_unique<Process>(
      std::vector<std::string>{
          "/bin/sh", "-c",
          "exec " + program + " --config " + file + " 2>" + log_},
      Process::Read::kOutput);
  const std::string line = AwaitLine(log_, "listening");
  federation_ = ValueOf(line, "federation");
  admin_ = ValueOf(line, "admin");
}

void CoordinatorSubject::Submit(int clients, std::size_t floats) {
  const Certificates& certificates = bench_.certificates;
  const auto credentials =
      transport_ == Transport::kTls
          ? grpc::SslCredentials({ReadFile(certificates.File("ca.pem")),
                                  ReadFile(certificates.File("operator.key")),
                                  ReadFile(certificates.File("operator.pem"))})
          : grpc::InsecureChannelCredentials();
  const auto channel = grpc::CreateChannel(admin_, credentials);
  channel->WaitForConnected(std::chrono::system_clock::now() +
                            std::chrono::seconds(10));
  const auto admin = v1::Admin::NewStub(channel);
  const v1::Plan plan = PlanFor(clients);
  const std::string weights =
      WeightsFor(plan, floats, folder_.path() / "first.safetensors");
  grpc::ClientContext context;
  v1::RunSummary summary;
  const auto writer = admin->SubmitRun(&context, &summary);
  v1::SubmitRunMessage message;
  *message.mutable_plan() = plan;
  writer->Write(message);
  for (std::size_t at = 0; at < weights.size(); at += 1 << 20) {
    message.set_weights(weights.substr(at, 1 << 20));
    writer->Write(message);
  }
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  if (!status.ok()) Fail("submit: " + status.error_message());
}

int CoordinatorSubject::AwaitRelease(int round) {
  // Its log, for a question would cost it CPU time.
  const std::string line =
      AwaitLine(log_, " round=" + std::to_string(round) + " updates=");
  return std::stoi(ValueOf(line, "updates"));
}

DropSubject::DropSubject(const Bench& bench, Transport transport) {
  std::vector<std::string> command = {
      (bench.programs / "tributary-bench-drop").string()};
  if (transport == Transport::kTls) {
    for (const char* name : {"ca.pem", "server.pem", "server.key"}) {
      command.push_back(bench.certificates.File(name));
    }
  }
  process_ = std::make_unique<Process>(command, Process::Read::kOutput);
  address_ = ValueOf(process_->LineWith("listening"), "federation");
}

std::unique_ptr<Process> StartLoad(const Bench& bench, Transport transport,
                                   const std::string& address, int clients,
                                   std::size_t floats) {
  return std::make_unique<Process>(
      std::vector<std::string>{
          (bench.programs / "tributary-bench-load").string(), address,
          transport == Transport::kTls ? bench.certificates.folder() : "-",
          std::to_string(clients), std::to_string(floats)},
      Process::Read::kOutput);
}

void Expect(Process& load, const std::string& order,
            const std::string& answer) {
  load.Tell(order);
  const std::string line = load.Line();
  if (line != answer) Fail(order + ": " + line + " instead of " + answer);
}

}  // namespace tributary::bench
