// SPDX-License-Identifier: Apache-2.0
// A server on loopback with mutual TLS over a fake coordinator, and clients of
// it in the words of the protocol.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/server/server.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/channel_arguments.h"
#include "tests/coordinator/server/certificates.h"
#include "tests/coordinator/server/fake_coordinator.h"
#include "tributary/v1/admin.grpc.pb.h"
#include "tributary/v1/federation.grpc.pb.h"

namespace tributary::testing {

class ServerFixture {
 public:
  ServerFixture();

  // Starts the server; options_ may be changed before.
  void Start();
  IssuedCertificate Trainer(const std::string& name) const {
    return authority_.Issue(name, {RoleUri("trainer")});
  }
  IssuedCertificate Operator() const {
    return authority_.Issue("ops", {RoleUri("operator")});
  }
  // Its own connection, never shared with another channel.
  std::shared_ptr<grpc::Channel> Connect(
      const std::string& address, const IssuedCertificate& client,
      grpc::ChannelArguments arguments = {}) const;
  std::shared_ptr<grpc::Channel> ConnectClient(
      const IssuedCertificate& client) const {
    return Connect(server_->federation_address(), client);
  }
  // Takes no more than 64 KiB ahead of what its user reads.
  std::shared_ptr<grpc::Channel> ConnectNarrowClient(
      const IssuedCertificate& client) const;
  std::unique_ptr<v1::Admin::Stub> ConnectAdmin(
      const IssuedCertificate& client) const {
    return v1::Admin::NewStub(Connect(server_->admin_address(), client));
  }

  // A metric without labels, from the metrics page.
  double MetricOf(const std::string& name) const;

  TemporaryFolder folder_;
  Authority authority_{"test authority"};
  IssuedCertificate server_certificate_;
  FakeCoordinator fake_;
  coordinator::ServerOptions options_;
  std::unique_ptr<coordinator::Server> server_;
};

// One Join stream.
class Joining {
 public:
  explicit Joining(const std::shared_ptr<grpc::Channel>& channel);
  ~Joining();

  void Send(const v1::ClientMessage& message);
  void Hello(const std::string& population = "pumps",
             const std::string& name = "");
  void CheckIn();
  // The next message; nothing if the stream ended.
  std::optional<v1::ServerMessage> Next();
  // Waits for the end.
  grpc::Status End();

 private:
  std::unique_ptr<v1::Federation::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<
      grpc::ClientReaderWriter<v1::ClientMessage, v1::ServerMessage>>
      stream_;
  bool ended_ = false;
};

// One UploadUpdate call that may send any bytes.
class Uploading {
 public:
  explicit Uploading(const std::shared_ptr<grpc::Channel>& channel);
  ~Uploading();

  bool SendRaw(const std::string& bytes);
  bool Header(const std::string& token, std::uint64_t offset);
  bool Data(const std::string& bytes);
  // Says that all was sent, and waits for the answer.
  grpc::Status Finish();
  // Waits for the server to end the call.
  grpc::Status End();
  void Break();
  const v1::UploadReply& reply() const { return reply_; }

 private:
  struct Call;
  std::unique_ptr<Call> call_;
  v1::UploadReply reply_;
};

// The whole file from an offset, and what the call ended with.
struct Fetched {
  std::string bytes;
  std::uint64_t total_size = 0;
  int messages = 0;
  grpc::Status status;
};
Fetched Fetch(const std::shared_ptr<grpc::Channel>& channel,
              const std::string& sha256, std::uint64_t offset);

}  // namespace tributary::testing
