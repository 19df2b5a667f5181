// SPDX-License-Identifier: Apache-2.0
// A program with a race: a reaction of gRPC's callback API and a thread that
// knows nothing of it change one number. ThreadSanitizer must report it, though
// it is told in which order gRPC runs our code (grpc_order.cc).
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "tributary/v1/federation.grpc.pb.h"

namespace {

namespace v1 = tributary::v1;

int raced = 0;

class Reaction final : public grpc::ServerWriteReactor<v1::ModelChunk> {
 public:
  Reaction() { StartWrite(&chunk_); }
  void OnWriteDone(bool) override {
    ++raced;
    if (++writes_ == 100) return Finish(grpc::Status::OK);
    StartWrite(&chunk_);
  }
  void OnDone() override { delete this; }

 private:
  v1::ModelChunk chunk_;
  int writes_ = 0;
};

class Service final : public v1::Federation::CallbackService {
  grpc::ServerWriteReactor<v1::ModelChunk>* FetchModel(
      grpc::CallbackServerContext*, const v1::FetchModelRequest*) override {
    return new Reaction;
  }
};

}  // namespace

int main() {
  Service service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const auto stub = v1::Federation::NewStub(grpc::CreateChannel(
      "127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));

  std::atomic<bool> is_over = false;
  std::thread racer([&is_over] {
    while (!is_over.load(std::memory_order_relaxed)) ++raced;
  });
  grpc::ClientContext call;
  v1::ModelChunk chunk;
  const auto chunks = stub->FetchModel(&call, v1::FetchModelRequest());
  while (chunks->Read(&chunk)) {
  }
  const grpc::Status status = chunks->Finish();
  is_over.store(true, std::memory_order_relaxed);
  racer.join();
  server->Shutdown();
  std::printf("%s\n", status.ok() ? "ok" : status.error_message().c_str());
  return status.ok() ? 0 : 1;
}
