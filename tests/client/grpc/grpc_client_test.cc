// SPDX-License-Identifier: Apache-2.0
// The client against a real gRPC server on loopback, over mutual TLS.
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "client/core/update.h"
#include "client/grpc/credentials.h"
#include "proto/codec/safetensors.h"
#include "tests/client/grpc/federation_double.h"
#include "tributary/client.h"

#include "tests/catch.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// More than a few chunks either way.
constexpr std::int64_t kLength = 1'000'000;

// Moves every weight by its index modulo 7.
class Mover final : public Trainer {
 public:
  absl::StatusOr<TrainResult> Train(const TrainTask&, const Model& model,
                                    std::span<float> delta,
                                    const TaskContext&) override {
    seen = model.weights;
    for (std::size_t i = 0; i < delta.size(); ++i) {
      delta[i] = static_cast<float>(i % 7) * 0.01f;
    }
    return TrainResult{.examples = 5, .loss = 0.5};
  }
  std::vector<float> seen;
};

class FederationFixture {
 public:
  FederationFixture() {
    std::string pattern =
        (fs::temp_directory_path() / "tributary-client-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    Write("ca.pem", certificates_.authority.certificate);
    Write("client.pem", certificates_.client.certificate);
    Write("client.key", certificates_.client.key);
    weights_.resize(kLength);
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      weights_[i] = static_cast<float>(i) * 1e-3f;
    }
    const fs::path file = folder_ / "model.safetensors";
    REQUIRE(codec::WriteSafetensors(file, manifest_, {}, weights_).ok());
    std::ifstream in(file, std::ios::binary);
    const std::string model{std::istreambuf_iterator<char>(in), {}};
    task_.set_kind(v1::Task::TRAIN);
    task_.set_run("run-1");
    task_.set_round(1);
    task_.set_task_token(std::string(16, 't'));
    task_.set_model(std::string(Sha256(model).AsBytes()));
    task_.set_seed(std::string(32, 's'));
    task_.mutable_training()->set_epochs(1);
    task_.mutable_training()->set_batch_size(1);
    task_.mutable_training()->set_learning_rate(0.1);
    task_.mutable_update()->set_max_abs(1);
    task_.mutable_update()->set_max_weight(100);
    server_ = std::make_unique<FederationDouble>(certificates_, task_, model);
    server_->Start();
  }
  ~FederationFixture() {
    server_.reset();
    std::error_code error;
    fs::remove_all(folder_, error);
  }

  ClientOptions Options() const {
    ClientOptions options;
    options.coordinator = server_->address();
    options.population = "pumps";
    options.credentials = {folder_ / "ca.pem", folder_ / "client.pem",
                           folder_ / "client.key"};
    options.state_folder = folder_ / "state";
    options.backoff_min = std::chrono::milliseconds(20);
    options.backoff_max = std::chrono::milliseconds(200);
    options.max_updates = 1;
    return options;
  }
  void Write(const char* name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  // The update that must have arrived, bit for bit.
  std::string Expected() {
    std::vector<float> delta(kLength);
    Mover mover;
    const Model none;
    CHECK(mover.Train({}, none, delta, TaskContext()).ok());
    const auto prepared = PrepareUpdate(
        task_, manifest_, {.examples = 5, .loss = 0.5}, std::move(delta), {});
    REQUIRE(prepared.ok());
    return {reinterpret_cast<const char*>(prepared->bytes->data()),
            prepared->bytes->size()};
  }

 protected:
  TestCertificates certificates_ = MakeCertificates();
  fs::path folder_;
  Manifest manifest_{{{"w", {kLength}, true}}};
  std::vector<float> weights_;
  v1::Task task_;
  std::unique_ptr<FederationDouble> server_;
  Mover trainer_;
};

TEST_CASE_METHOD(FederationFixture,
                 "a client trains and its update arrives bit for bit") {
  auto client = Client::Create(Options(), trainer_);
  REQUIRE(client.ok());
  CHECK((*client)->LatestModel() == nullptr);
  CHECK((*client)->Run().ok());
  CHECK(trainer_.seen == weights_);
  CHECK(server_->Uploaded() == Expected());
  CHECK(server_->Announced().weight() == 5);
  CHECK(server_->FetchOffsets() == std::vector<std::uint64_t>{0});
  CHECK(server_->UploadOffsets() == std::vector<std::uint64_t>{0});
  REQUIRE((*client)->LatestModel() != nullptr);
  CHECK((*client)->LatestModel()->weights == weights_);

  SECTION("and the next process knows the model without a coordinator") {
    client->reset();
    server_->Cut();
    const auto again = Client::Create(Options(), trainer_);
    REQUIRE(again.ok());
    REQUIRE((*again)->LatestModel() != nullptr);
    CHECK((*again)->LatestModel()->weights == weights_);
  }
}

TEST_CASE_METHOD(FederationFixture,
                 "a download that was cut off goes on where it stopped") {
  server_->StallDownloadAfter(2u << 20);
  const auto client = Client::Create(Options(), trainer_);
  REQUIRE(client.ok());
  absl::Status status;
  std::thread running([&] { status = (*client)->Run(); });
  server_->WaitUntilStalled();
  server_->Cut();
  server_->Start();
  running.join();
  CHECK(status.ok());
  CHECK(server_->FetchOffsets().size() >= 2);
  CHECK(server_->FetchOffsets().back() > 0);
  CHECK(server_->Joins() >= 2);
  CHECK(trainer_.seen == weights_);
  CHECK(server_->Uploaded() == Expected());
}

TEST_CASE_METHOD(FederationFixture,
                 "an upload that was cut off goes on where it stopped") {
  server_->StallUploadAfter(2u << 20);
  const auto client = Client::Create(Options(), trainer_);
  REQUIRE(client.ok());
  absl::Status status;
  std::thread running([&] { status = (*client)->Run(); });
  server_->WaitUntilStalled();
  server_->Cut();
  server_->Start();
  running.join();
  CHECK(status.ok());
  CHECK(server_->UploadOffsets().size() >= 2);
  CHECK(server_->UploadOffsets().back() >= 2u << 20);
  CHECK(server_->FetchOffsets().size() == 1);
  CHECK(server_->Uploaded() == Expected());
}

TEST_CASE_METHOD(FederationFixture,
                 "a client of a foreign population is told so and ends") {
  ClientOptions options = Options();
  options.population = "valves";
  const auto client = Client::Create(options, trainer_);
  REQUIRE(client.ok());
  const absl::Status status = (*client)->Run();
  CHECK(status.code() == absl::StatusCode::kPermissionDenied);
  CHECK(status.message() == "wrong population");
}

TEST_CASE_METHOD(FederationFixture,
                 "a client without a coordinator waits until it is stopped") {
  server_->Cut();
  std::unique_ptr<Client> client;
  std::thread stopping;
  ClientOptions options = Options();
  options.on_progress = [&](const ClientProgress& progress) {
    if (progress.stage == ClientProgress::Stage::kDisconnected &&
        !stopping.joinable()) {
      stopping = std::thread([&client] { client->Stop(); });
    }
  };
  auto created = Client::Create(options, trainer_);
  REQUIRE(created.ok());
  client = *std::move(created);
  CHECK(client->Run().ok());
  stopping.join();
}

TEST_CASE_METHOD(FederationFixture,
                 "a coordinator of another authority is not trusted") {
  Write("ca.pem", MakeCertificates().authority.certificate);
  std::unique_ptr<Client> client;
  std::thread stopping;
  ClientOptions options = Options();
  options.on_progress = [&](const ClientProgress& progress) {
    if (progress.stage == ClientProgress::Stage::kDisconnected &&
        !stopping.joinable()) {
      stopping = std::thread([&client] { client->Stop(); });
    }
  };
  auto created = Client::Create(options, trainer_);
  REQUIRE(created.ok());
  client = *std::move(created);
  CHECK(client->Run().ok());
  stopping.join();
  CHECK(server_->Joins() == 0);
}

TEST_CASE_METHOD(FederationFixture,
                 "credentials that cannot work are named before connecting") {
  std::string option, file, reason;
  SECTION("no authority") {
    fs::remove(folder_ / "ca.pem");
    option = "authority", file = "ca.pem", reason = "No such file";
  }
  SECTION("an empty certificate") {
    Write("client.pem", "");
    option = "certificate", file = "client.pem", reason = "empty";
  }
  SECTION("an authority that is no certificate") {
    Write("ca.pem", "garbage");
    option = "authority", file = "ca.pem", reason = "holds no PEM certificate";
  }
  SECTION("a certificate that is none") {
    Write("client.pem", certificates_.client.key);
    option = "certificate", file = "client.pem",
    reason = "holds no PEM certificate";
  }
  SECTION("a key that is none") {
    Write("client.key", "garbage");
    option = "key", file = "client.key", reason = "holds no PEM private key";
  }
  SECTION("the key of another certificate") {
    Write("client.key", certificates_.coordinator.key);
    option = "key", file = "client.key",
    reason = "is not the key of the certificate";
  }
  const auto client = Client::Create(Options(), trainer_);
  REQUIRE_FALSE(client.ok());
  const std::string message(client.status().message());
  INFO(message);
  CHECK(message.find("credentials." + option + ": ") == 0);
  CHECK(message.find((folder_ / file).string()) != std::string::npos);
  CHECK(message.find(reason) != std::string::npos);
}

TEST_CASE_METHOD(FederationFixture,
                 "a client is among its peers what its files say at the time") {
  const SecureIdentitySource source = IdentityFrom(Options().credentials);
  const auto identity = source();
  REQUIRE(identity.ok());
  const auto peer =
      identity->authority->Identify(identity->signer->credential());
  REQUIRE(peer.ok());
  CHECK((*peer)->name() == "pump-17");
  const auto signature = identity->signer->Sign("a statement");
  REQUIRE(signature.ok());
  CHECK((*peer)->Verify("a statement", *signature).ok());

  // Renewed, by another authority.
  const TestCertificates renewed = MakeCertificates();
  Write("client.pem", renewed.client.certificate);
  CHECK(std::string(source().status().message()) ==
        "the client's key is not that of its certificate");
  Write("client.key", renewed.client.key);
  const auto stranger = source();
  REQUIRE(stranger.ok());
  CHECK(absl::IsUnauthenticated(
      stranger->authority->Identify(stranger->signer->credential()).status()));
  Write("ca.pem", renewed.authority.certificate);
  const auto again = source();
  REQUIRE(again.ok());
  CHECK(again->authority->Identify(again->signer->credential()).ok());
}

}  // namespace
}  // namespace tributary
