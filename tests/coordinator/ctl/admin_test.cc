// SPDX-License-Identifier: Apache-2.0
// tributaryctl against a real gRPC service on loopback, with and without TLS.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "privacy/crypto/digest.h"
#include "proto/codec/safetensors.h"
#include "tests/coordinator/ctl/command_line.h"
#include "tests/coordinator/ctl/fake_admin.h"
#include "tests/proto/files.h"
#include "tests/proto/plans.h"
// Last.
#include "tests/catch.h"

namespace tributary::ctl {
namespace {

const Manifest kManifest({{"w", {3'000, 100}, true}});
const std::string kArchitecture =
    R"({"mlp":{"inputs":64,"hidden":[32,16],"outputs":10}})";

struct AdminFixture {
  TemporaryFolder folder;
  FakeAdmin admin;

  Ended Call(std::vector<std::string> line) {
    line.insert(line.begin(), {"--admin", admin.address(), "--insecure"});
    admin.HandOver();
    Ended ended = Ctl(line);
    admin.HandOver();
    return ended;
  }
  std::string Path(const std::string& name) const {
    return (folder.path() / name).string();
  }
  std::string Weights(const std::string& architecture = kArchitecture,
                      float value = 0.5f) {
    REQUIRE(
        codec::WriteSafetensors(Path("first.safetensors"), kManifest,
                                {{"tributary.architecture", architecture}},
                                std::vector<float>(kManifest.Length(), value))
            .ok());
    return Path("first.safetensors");
  }
};

TEST_CASE_METHOD(AdminFixture,
                 "a plan is submitted with its weights in chunks") {
  admin.summary.set_run("digits-1");
  const auto plan = folder.Write("plan.yaml", codec::kGoodPlan);
  const Ended ended =
      Call({"run", "submit", plan.string(), "--weights", Weights()});
  INFO(ended.err);
  REQUIRE(ended.exit == 0);
  CHECK(ended.out == "digits-1\n");
  CHECK(admin.weights == BytesOf(Path("first.safetensors")));
  CHECK(admin.largest_chunk == 1u << 20);
  CHECK(admin.plan.name() == "digits");
  CHECK(admin.plan.model().weights().empty());
  CHECK(admin.plan.round().min_updates() == 8);  // defaults are written out
  CHECK(Call({"--json", "run", "submit", plan.string(), "--weights",
              Path("first.safetensors")})
            .Json()
            .at("run") == "digits-1");
}

TEST_CASE_METHOD(AdminFixture, "a plan may name its weights itself") {
  Weights();
  const auto plan = folder.Write(
      "plan.yaml",
      codec::WithLine("model:", "model:\n  weights: first.safetensors"));
  CHECK(Call({"run", "submit", plan.string()}).exit == 0);
  CHECK(admin.weights.size() > 1'000'000);
  CHECK(admin.plan.model().weights().empty());
}

TEST_CASE_METHOD(AdminFixture,
                 "an archive travels beside the plan, by its hash") {
  const std::string archive(1'500'000, 'a');
  folder.Write("net.pt", archive);
  const auto plan = folder.Write(
      "plan.yaml",
      codec::WithLine("    mlp:", "    torchscript: net.pt")
          .erase(codec::WithLine("    mlp:", "    torchscript: net.pt")
                     .find("      inputs"),
                 std::string("      inputs: 64\n      hidden: [32, 16]\n"
                             "      outputs: 10\n")
                     .size()));
  const Ended ended =
      Call({"run", "submit", plan.string(), "--weights", Weights()});
  INFO(ended.err);
  REQUIRE(ended.exit == 0);
  CHECK(admin.archive == archive);
  CHECK(admin.plan.model().architecture().torchscript() ==
        Sha256(archive).Hex());
}

TEST_CASE_METHOD(AdminFixture, "a plan without weights says how to make them") {
  const auto plan = folder.Write("plan.yaml", codec::kGoodPlan);
  const Ended ended = Call({"run", "submit", plan.string()});
  CHECK(ended.exit == 1);
  CHECK(ended.Says("tributary-model init " + plan.string() + " --out FILE"));
}

TEST_CASE_METHOD(AdminFixture,
                 "a bad plan is refused here, with all its errors") {
  const auto plan = folder.Write(
      "plan.yaml", codec::WithLine("  epochs: 1", "  epochs: 0\n  lose: mse"));
  const Ended ended =
      Call({"run", "submit", plan.string(), "--weights", Weights()});
  CHECK(ended.exit == 1);
  CHECK(ended.Says(":13: training.epochs: 0 is less than 1"));
  CHECK(ended.Says(":14: training.lose: unknown key; did you mean \"loss\"?"));
  CHECK(admin.plan.name().empty());
}

TEST_CASE_METHOD(AdminFixture,
                 "weights of another model or not finite are refused") {
  const auto plan = folder.Write("plan.yaml", codec::kGoodPlan);
  CHECK(Call({"run", "submit", plan.string(), "--weights",
              Weights(R"({"linear":{"inputs":64,"outputs":10}})")})
            .Says("Make them again"));
  CHECK(Call({"run", "submit", plan.string(), "--weights",
              Weights(kArchitecture, std::numeric_limits<float>::infinity())})
            .Says("not finite"));
  CHECK(
      Call({"run", "submit", plan.string(), "--weights", Path("none")}).exit ==
      1);
}

TEST_CASE_METHOD(AdminFixture,
                 "what the coordinator refuses is said as it is") {
  admin.answer = grpc::Status(grpc::StatusCode::FAILED_PRECONDITION,
                              "population is in use");
  const auto plan = folder.Write("plan.yaml", codec::kGoodPlan);
  const Ended ended =
      Call({"run", "submit", plan.string(), "--weights", Weights()});
  CHECK(ended.exit == 1);
  CHECK(ended.err == "tributaryctl: population is in use\n");
}

TEST_CASE_METHOD(AdminFixture, "runs and clients are listed, page after page") {
  admin.summary.set_run("digits-1");
  admin.summary.set_state(v1::RUNNING);
  CHECK(Call({"run", "list"}).out.find("digits-1") != std::string::npos);
  CHECK(Call({"run", "list", "--json"}).Json().at("runs")[0].at("state") ==
        "RUNNING");
  for (int i = 10'000; i < 12'500; ++i) {
    admin.clients.push_back("client-" + std::to_string(i));
  }
  const Ended listed = Call({"--json", "clients", "list"});
  CHECK(listed.Json().at("clients").size() == 2'500);
  CHECK(admin.pages == 3);
}

TEST_CASE_METHOD(AdminFixture,
                 "watching prints each round once and ends with the run") {
  v1::RunDetail detail;
  detail.mutable_summary()->set_run("digits-1");
  detail.mutable_summary()->set_state(v1::RUNNING);
  detail.mutable_summary()->set_total_rounds(2);
  admin.watched.push_back(detail);
  detail.add_rounds()->set_round(1);
  admin.watched.push_back(detail);
  (*detail.mutable_rounds(0)->mutable_metrics())["accuracy"] = 0.5;
  admin.watched.push_back(detail);
  detail.add_rounds()->set_round(2);
  detail.mutable_summary()->set_state(v1::FINISHED);
  admin.watched.push_back(detail);
  const Ended ended = Call({"run", "watch", "digits-1"});
  INFO(ended.err);
  CHECK(ended.exit == 0);
  CHECK(ended.out ==
        "run digits-1 is running\n"
        "round 1/2  updates 0  0.0 s\n"
        "round 1/2  accuracy 0.5000\n"
        "round 2/2  updates 0  0.0 s\n"
        "run digits-1 is finished\n");
  // One document a line.
  std::istringstream lines(Call({"--json", "run", "watch", "digits-1"}).out);
  int documents = 0;
  for (std::string line; std::getline(lines, line); ++documents) {
    CHECK(nlohmann::json::parse(line).contains("summary"));
  }
  CHECK(documents == 4);
}

TEST_CASE_METHOD(AdminFixture, "watching a run that fails ends with 1") {
  v1::RunDetail detail;
  detail.mutable_summary()->set_state(v1::FAILED);
  detail.mutable_summary()->set_message("round 3 was abandoned 10 times");
  admin.watched.push_back(detail);
  const Ended ended = Call({"run", "watch", "digits-1"});
  CHECK(ended.exit == 1);
  CHECK(ended.out.find("round 3 was abandoned 10 times") != std::string::npos);
}

TEST_CASE_METHOD(AdminFixture, "Ctrl-C leaves the run going and exits 130") {
  v1::RunDetail detail;
  detail.mutable_summary()->set_state(v1::RUNNING);
  admin.watched.push_back(detail);
  admin.watch_goes_on = true;
  admin.HandOver();
  const std::string address = admin.address();
  std::vector<std::string> line = {TRIBUTARYCTL, "--insecure", "--admin",
                                   address,      "run",        "watch",
                                   "digits-1"};
  std::vector<char*> arguments;
  for (std::string& word : line) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&quiet, stream, "/dev/null", O_WRONLY, 0);
  }
  pid_t child = 0;
  REQUIRE(::posix_spawn(&child, TRIBUTARYCTL, &quiet, nullptr, arguments.data(),
                        environ) == 0);
  posix_spawn_file_actions_destroy(&quiet);
  admin.WaitForWatcher();
  REQUIRE(::kill(child, SIGINT) == 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 130);
}

TEST_CASE_METHOD(AdminFixture,
                 "a model is written once it is whole and right") {
  Weights();
  admin.model = BytesOf(Path("first.safetensors"));
  auto& round = *admin.detail.add_rounds();
  round.set_round(7);
  round.set_model(std::string(Sha256(admin.model).AsBytes()));
  const std::string out = Path("model.safetensors");
  const Ended ended =
      Call({"--json", "model", "get", "digits-1", "--out", out});
  INFO(ended.err);
  REQUIRE(ended.exit == 0);
  CHECK(BytesOf(out) == admin.model);
  CHECK(admin.asked_round == 7);
  CHECK(ended.Json().at("sha256") == Sha256(admin.model).Hex());

  folder.Write("model.safetensors", "the one before");
  admin.model.back() ^= 1;
  CHECK(Call({"model", "get", "digits-1", "--out", out}).Says("SHA-256"));
  CHECK(BytesOf(out) == "the one before");
  admin.answer = grpc::Status(grpc::StatusCode::NOT_FOUND, "no such run");
  CHECK(Call({"model", "get", "x", "--out", out}).Says("no such run"));
  // Nothing is left over.
  int files = 0;
  for ([[maybe_unused]] const auto& file :
       std::filesystem::directory_iterator(folder.path())) {
    ++files;
  }
  CHECK(files == 2);
}

TEST_CASE("who cannot be reached is named, with a hint") {
  std::string address;
  {
    const FakeAdmin gone;
    address = gone.address();
  }
  const Ended ended = Ctl({"--insecure", "--admin", address, "run", "list"});
  CHECK(ended.exit == 1);
  CHECK(ended.Says("cannot reach the coordinator at " + address));
  CHECK(ended.Says("is the coordinator running"));
}

TEST_CASE("without identity or with too much of it nothing is tried") {
  CHECK(Ctl({"run", "list"}).Says("--ca, --cert and --key are required"));
  CHECK(Ctl({"run", "list", "--insecure", "--ca", "x"})
            .Says("cannot stand beside"));
  CHECK(Ctl({"run"}).exit == 2);
  CHECK(Ctl({"run", "lst"}).Says("\"lst\" is no command here"));
  CHECK(Ctl({"model", "get", "r", "--ot", "m"})
            .Says("\"--ot\" is no option here"));
  CHECK(Ctl({"--help"}).exit == 0);
  CHECK(Ctl({"--version"}).out.find("tributaryctl") == 0);
}

// An authority, a coordinator's identity and an operator's.
struct TlsFixture {
  TemporaryFolder folder;

  TlsFixture() {
    Enrol("pki", "coordinator", "coordinator");
    Enrol("pki", "operator", "operator");
    Enrol("other", "stranger", "operator");
  }
  std::string Path(const std::string& name) const {
    return (folder.path() / name).string();
  }
  void Enrol(const std::string& pki, const std::string& name,
             const std::string& role) {
    (void)Ctl({"pki", "init", Path(pki)});
    REQUIRE(Ctl({"pki", "request", name, "--out", folder.path().string(),
                 "--san", "localhost"})
                .exit == 0);
    REQUIRE(Ctl({"pki", "sign", Path(name + ".csr"), "--pki", Path(pki),
                 "--role", role})
                .exit == 0);
  }
  std::shared_ptr<grpc::ServerCredentials> Server() {
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = BytesOf(Path("pki/ca.pem"));
    options.pem_key_cert_pairs.push_back(
        {BytesOf(Path("coordinator.key")), BytesOf(Path("coordinator.pem"))});
    return grpc::SslServerCredentials(options);
  }
  Ended List(const std::string& address, const std::string& ca,
             const std::string& name) {
    return Ctl({"--admin", address, "--ca", Path(ca), "--cert",
                Path(name + ".pem"), "--key", Path(name + ".key"), "run",
                "list"});
  }
};

TEST_CASE_METHOD(TlsFixture, "an operator is let in over mutual TLS") {
  FakeAdmin admin(Server());
  const Ended ended = List(admin.address(), "pki/ca.pem", "operator");
  INFO(ended.err);
  CHECK(ended.exit == 0);
  ::setenv("TRIBUTARY_ADMIN", admin.address().c_str(), 1);
  ::setenv("TRIBUTARY_CA", Path("pki/ca.pem").c_str(), 1);
  ::setenv("TRIBUTARY_CERT", Path("operator.pem").c_str(), 1);
  ::setenv("TRIBUTARY_KEY", Path("operator.key").c_str(), 1);
  CHECK(Ctl({"run", "list"}).exit == 0);
  for (const char* name :
       {"TRIBUTARY_ADMIN", "TRIBUTARY_CA", "TRIBUTARY_CERT", "TRIBUTARY_KEY"}) {
    ::unsetenv(name);
  }
}

TEST_CASE_METHOD(TlsFixture,
                 "a failure of TLS or of the role says what to look at") {
  FakeAdmin admin(Server());
  // A coordinator of another authority than the one trusted.
  const Ended foreign = List(admin.address(), "other/ca.pem", "stranger");
  INFO(foreign.err);
  CHECK(foreign.Says("TLS failed"));
  // Trusted, but itself a stranger to the coordinator.
  const Ended stranger = List(admin.address(), "pki/ca.pem", "stranger");
  INFO(stranger.err);
  CHECK(stranger.exit == 1);
  CHECK(stranger.Says("--cert"));
  admin.answer =
      grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "wrong role");
  admin.HandOver();
  CHECK(
      List(admin.address(), "pki/ca.pem", "operator").Says("--role operator"));
  CHECK(List(admin.address(), "none", "operator").Says("no such file"));
  // Pieces that do not belong together are not tried.
  const auto pieces = [&](const char* ca, const char* cert, const char* key) {
    return Ctl({"--admin", admin.address(), "--ca", Path(ca), "--cert",
                Path(cert), "--key", Path(key), "run", "list"});
  };
  CHECK(pieces("pki/ca.pem", "operator.pem", "stranger.key")
            .Says("--key: " + Path("stranger.key") +
                  " is not the key of the certificate " +
                  Path("operator.pem")));
  CHECK(pieces("pki/ca.pem", "operator.pem", "operator.pem")
            .Says("holds no PEM private key"));
  CHECK(pieces("pki/ca.pem", "operator.key", "operator.key")
            .Says("--cert: " + Path("operator.key") + " holds no PEM"));
  CHECK(pieces("operator.csr", "operator.pem", "operator.key")
            .Says("--ca: " + Path("operator.csr") + " holds no PEM"));
  // Plaintext to a server that wants TLS.
  CHECK(Ctl({"--insecure", "--admin", admin.address(), "run", "list"})
            .Says("want TLS"));
}

}  // namespace
}  // namespace tributary::ctl
