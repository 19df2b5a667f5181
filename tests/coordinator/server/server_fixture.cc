// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/server/server_fixture.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "coordinator/server/log.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "httplib.h"

namespace tributary::testing {
namespace {

constexpr std::chrono::seconds kPatience{20};

std::chrono::system_clock::time_point Deadline() {
  return std::chrono::system_clock::now() + kPatience;
}

}  // namespace

ServerFixture::ServerFixture()
    : server_certificate_(
          authority_.Issue("coordinator", {RoleUri("coordinator")})) {
  coordinator::SetLogLevel("error").IgnoreError();
  options_.listen = "127.0.0.1:0";
  options_.admin_listen = "127.0.0.1:0";
  options_.http_listen = "127.0.0.1:0";
  options_.tls = coordinator::TlsFiles{
      folder_.Write("ca.pem", authority_.certificate()),
      folder_.Write("server.pem", server_certificate_.certificate),
      folder_.Write("server.key", server_certificate_.key),
      folder_.Write("crl.pem", authority_.Revoke({}))};
}

void ServerFixture::Start() {
  absl::StatusOr<std::unique_ptr<coordinator::Server>> server =
      coordinator::Server::Start(options_, fake_);
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.status().ToString().c_str());
    std::abort();
  }
  server_ = *std::move(server);
}

std::shared_ptr<grpc::Channel> ServerFixture::Connect(
    const std::string& address, const IssuedCertificate& client,
    grpc::ChannelArguments arguments) const {
  static std::atomic<int> next = 0;
  arguments.SetInt("tributary.channel", next++);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  const auto credentials =
      options_.tls.has_value()
          ? grpc::SslCredentials(
                {authority_.certificate(), client.key, client.certificate})
          : grpc::InsecureChannelCredentials();
  auto channel = grpc::CreateCustomChannel(address, credentials, arguments);
  // gRPC 1.51 may take a first attempt for failed that is under way. One that
  // is to fail costs this time.
  channel->WaitForConnected(std::chrono::system_clock::now() +
                            std::chrono::milliseconds(500));
  return channel;
}

std::shared_ptr<grpc::Channel> ServerFixture::ConnectNarrowClient(
    const IssuedCertificate& client) const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 << 10);
  return Connect(server_->federation_address(), client, arguments);
}

double ServerFixture::MetricOf(const std::string& name) const {
  httplib::Client http("http://" + server_->http_address());
  const auto page = http.Get("/metrics");
  const std::string start = "\n" + name + " ";
  const std::size_t at = page ? page->body.find(start) : std::string::npos;
  if (at == std::string::npos) {
    std::fprintf(stderr, "no metric %s\n", name.c_str());
    std::abort();
  }
  return std::strtod(page->body.c_str() + at + start.size(), nullptr);
}

Joining::Joining(const std::shared_ptr<grpc::Channel>& channel)
    : stub_(v1::Federation::NewStub(channel)) {
  context_.set_deadline(Deadline());
  stream_ = stub_->Join(&context_);
}

Joining::~Joining() {
  if (ended_) return;
  context_.TryCancel();
  End();
}

void Joining::Send(const v1::ClientMessage& message) {
  stream_->Write(message);
}

void Joining::Hello(const std::string& population, const std::string& name) {
  v1::ClientMessage message;
  message.mutable_hello()->set_min_wire_version(1);
  message.mutable_hello()->set_max_wire_version(1);
  message.mutable_hello()->set_population(population);
  message.mutable_hello()->set_client_name(name);
  Send(message);
}

void Joining::CheckIn() {
  v1::ClientMessage message;
  message.mutable_check_in();
  Send(message);
}

std::optional<v1::ServerMessage> Joining::Next() {
  v1::ServerMessage message;
  if (!stream_->Read(&message)) return std::nullopt;
  return message;
}

grpc::Status Joining::End() {
  while (Next().has_value()) {
  }
  ended_ = true;
  return stream_->Finish();
}

struct Uploading::Call {
  explicit Call(const std::shared_ptr<grpc::Channel>& channel)
      : stub(channel) {}

  // The generic stub is asynchronous; this waits for each operation.
  bool Wait() {
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    return ok;
  }

  grpc::GenericStub stub;
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream;
  bool ended = false;
};

Uploading::Uploading(const std::shared_ptr<grpc::Channel>& channel)
    : call_(std::make_unique<Call>(channel)) {
  call_->context.set_deadline(Deadline());
  call_->stream = call_->stub.PrepareCall(
      &call_->context, "/tributary.v1.Federation/UploadUpdate", &call_->queue);
  call_->stream->StartCall(nullptr);
  call_->Wait();
}

Uploading::~Uploading() {
  if (!call_->ended) {
    call_->context.TryCancel();
    End();
  }
  call_->queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (call_->queue.Next(&tag, &ok)) {
  }
}

bool Uploading::SendRaw(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  call_->stream->Write(grpc::ByteBuffer(&slice, 1), nullptr);
  return call_->Wait();
}

bool Uploading::Header(const std::string& token, std::uint64_t offset) {
  v1::UploadMessage message;
  message.mutable_header()->set_task_token(token);
  message.mutable_header()->set_offset(offset);
  return SendRaw(message.SerializeAsString());
}

bool Uploading::Data(const std::string& bytes) {
  v1::UploadMessage message;
  message.set_data(bytes);
  return SendRaw(message.SerializeAsString());
}

grpc::Status Uploading::Finish() {
  call_->stream->WritesDone(nullptr);
  call_->Wait();
  return End();
}

grpc::Status Uploading::End() {
  grpc::ByteBuffer reply;
  call_->stream->Read(&reply, nullptr);
  if (call_->Wait()) {
    grpc::Slice slice;
    if (reply.DumpToSingleSlice(&slice).ok()) {
      reply_.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
    }
  }
  grpc::Status status;
  call_->stream->Finish(&status, nullptr);
  call_->Wait();
  call_->ended = true;
  return status;
}

void Uploading::Break() { call_->context.TryCancel(); }

Fetched Fetch(const std::shared_ptr<grpc::Channel>& channel,
              const std::string& sha256, std::uint64_t offset) {
  const auto stub = v1::Federation::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(Deadline());
  v1::FetchModelRequest request;
  request.set_sha256(sha256);
  request.set_offset(offset);
  const auto reader = stub->FetchModel(&context, request);
  Fetched fetched;
  v1::ModelChunk chunk;
  while (reader->Read(&chunk)) {
    if (fetched.messages++ == 0) fetched.total_size = chunk.total_size();
    fetched.bytes += chunk.data();
  }
  fetched.status = reader->Finish();
  return fetched;
}

}  // namespace tributary::testing
