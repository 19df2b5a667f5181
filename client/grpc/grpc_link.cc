// SPDX-License-Identifier: Apache-2.0
#include "client/grpc/grpc_link.h"

#include <utility>

#include "absl/status/statusor.h"
#include "client/grpc/credentials.h"
#include "client/grpc/fetch_call.h"
#include "client/grpc/join_call.h"
#include "client/grpc/open_calls.h"
#include "client/grpc/upload_call.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace tributary {
namespace {

// A ping costs the coordinator 70 us and a radio its sleep.
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ReadCredentials(
    const ClientOptions& options) {
  if (options.insecure) return grpc::InsecureChannelCredentials();
  const auto texts = ReadPemFiles(options.credentials);
  if (!texts.ok()) return texts.status();
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = texts->authority;
  tls.pem_cert_chain = texts->certificate;
  tls.pem_private_key = texts->key;
  return grpc::SslCredentials(tls);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(
    const ClientOptions& options, const std::string& address) {
  auto credentials = ReadCredentials(options);
  if (!credentials.ok()) return credentials.status();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // The session decides when to try again; a connection of gRPC's own pool
  // would still be in gRPC's back-off.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return grpc::CreateCustomChannel(address, *credentials, arguments);
}

class GrpcLink final : public Link {
 public:
  explicit GrpcLink(const ClientOptions& options) : options_(options) {}
  ~GrpcLink() override {
    Close();
    CancelFetch();
    CancelUpload();
    calls_.WaitForNone();
  }

  void Open(const std::string& address, StreamHandler handler) override {
    Close();
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel =
        MakeChannel(options_, address);
    if (!channel.ok()) {
      // Credentials may be in the middle of being renewed: try again later.
      return handler.closed(
          absl::UnavailableError(std::string(channel.status().message())));
    }
    channel_ = *std::move(channel);
    const std::function<void()> opened = handler.opened;
    auto call = std::make_shared<JoinCall>(v1::Federation::NewStub(channel_),
                                           std::move(handler), calls_);
    join_ = call;
    opened();
    call->Start();
  }
  void Send(const v1::ClientMessage& message) override {
    if (const auto call = join_.lock()) call->Send(message);
  }
  void Close() override {
    if (const auto call = join_.lock()) call->Cancel();
    join_.reset();
  }

  void Fetch(const Digest& digest, std::uint64_t offset,
             FetchHandler handler) override {
    if (channel_ == nullptr) {
      return handler.done(absl::UnavailableError("not connected"));
    }
    auto call =
        std::make_shared<FetchCall>(v1::Federation::NewStub(channel_), digest,
                                    offset, std::move(handler), calls_);
    fetch_ = call;
    call->Start();
  }
  void CancelFetch() override {
    if (const auto call = fetch_.lock()) call->Cancel();
    fetch_.reset();
  }

  void Upload(const std::string& token,
              std::shared_ptr<const UpdateBytes> bytes, std::uint64_t offset,
              std::function<void(absl::Status)> done) override {
    if (channel_ == nullptr) {
      return done(absl::UnavailableError("not connected"));
    }
    auto call = std::make_shared<UploadCall>(v1::Federation::NewStub(channel_),
                                             token, std::move(bytes), offset,
                                             std::move(done), calls_);
    upload_ = call;
    call->Start();
  }
  void CancelUpload() override {
    if (const auto call = upload_.lock()) call->Cancel();
    upload_.reset();
  }

 private:
  const ClientOptions options_;
  OpenCalls calls_;
  std::shared_ptr<grpc::Channel> channel_;
  // A call owns itself until its last callback.
  std::weak_ptr<JoinCall> join_;
  std::weak_ptr<FetchCall> fetch_;
  std::weak_ptr<UploadCall> upload_;
};

}  // namespace

std::unique_ptr<Link> MakeGrpcLink(const ClientOptions& options) {
  return std::make_unique<GrpcLink>(options);
}

}  // namespace tributary
