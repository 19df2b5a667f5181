// SPDX-License-Identifier: Apache-2.0
// tributary-bench-drop: the same wire and the same gRPC settings as the
// coordinator's uploads, but each message is parsed by protobuf and dropped.
// What gRPC itself costs.
//
//   tributary-bench-drop [CA CERTIFICATE KEY]    without: plaintext
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/synchronization/mutex.h"
#include "coordinator/server/credentials.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "tributary/v1/federation.grpc.pb.h"

namespace {

namespace v1 = tributary::v1;

class Drop final : public grpc::ServerReadReactor<v1::UploadMessage> {
 public:
  explicit Drop(v1::UploadReply* reply) : reply_(reply) {
    StartRead(&message_);
  }
  void OnReadDone(bool ok) override {
    if (!ok) {
      reply_->set_received(received_);
      Finish(grpc::Status::OK);
      return;
    }
    received_ += message_.data().size();
    StartRead(&message_);
  }
  void OnDone() override { delete this; }

 private:
  v1::UploadReply* reply_;
  v1::UploadMessage message_;
  std::uint64_t received_ = 0;
};

class Service final : public v1::Federation::CallbackService {
 public:
  grpc::ServerReadReactor<v1::UploadMessage>* UploadUpdate(
      grpc::CallbackServerContext*, v1::UploadReply* reply) override {
    return new Drop(reply);
  }
};

}  // namespace

int main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  tributary::coordinator::ServerOptions options;
  if (argc == 4) {
    options.tls =
        tributary::coordinator::TlsFiles{argv[1], argv[2], argv[3], {}};
  }
  Service service;
  grpc::ResourceQuota quota;
  quota.Resize(options.buffer_bytes);
  grpc::ServerBuilder builder;
  builder.SetResourceQuota(quota);
  int port = 0;
  builder.AddListeningPort(
      "127.0.0.1:0", tributary::coordinator::MakeServerCredentials(options),
      &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::printf("listening federation=127.0.0.1:%d\n", port);
  std::fflush(stdout);
  server->Wait();
}
