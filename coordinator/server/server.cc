// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/server.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/server/admin_service.h"
#include "coordinator/server/client_authority.h"
#include "coordinator/server/credentials.h"
#include "coordinator/server/edge.h"
#include "coordinator/server/federation_service.h"
#include "coordinator/server/grpc_log.h"
#include "coordinator/server/housekeeper.h"
#include "coordinator/server/http_server.h"
#include "coordinator/server/log.h"
#include "coordinator/server/metrics_page.h"
#include "coordinator/server/upload_message.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace tributary::coordinator {
namespace {

using std::chrono::milliseconds;

constexpr int kMaxMessage = static_cast<int>(kMaxChunk) + 4096;
constexpr milliseconds kHousekeeping{250};
// A dead connection is noticed within 80 s. A ping costs some 70 us of CPU.
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
constexpr int kFastestClientPingMs = 10'000;
constexpr int kMaxStreamsPerConnection = 128;
// Calls in progress after a shutdown are cancelled after this.
constexpr milliseconds kShutdownGrace{2'000};
constexpr int kAdminThreads = 64;
constexpr std::size_t kAdminBuffers = 64u << 20;

// Why an address cannot be listened on, found by trying it: gRPC does not say.
std::string WhyNot(const Address& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  const int error =
      getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) return gai_strerror(error);
  const int socket = ::socket(found->ai_family, SOCK_STREAM, 0);
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  std::string why = "not possible";
  if (bind(socket, found->ai_addr, found->ai_addrlen) != 0 ||
      listen(socket, 1) != 0) {
    why = std::strerror(errno);
  }
  close(socket);
  freeaddrinfo(found);
  return why;
}

void Configure(grpc::ServerBuilder& builder) {
  // Two coordinators on one port would each get half of the clients.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
      kFastestClientPingMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             kMaxStreamsPerConnection);
  builder.SetMaxReceiveMessageSize(kMaxMessage);
  // Updates do not compress, and what is inflated could be a bomb.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
}

class GrpcPort {
 public:
  static absl::StatusOr<std::unique_ptr<GrpcPort>> Open(
      grpc::ServerBuilder& builder, grpc::Service& service,
      const std::string& key, const std::string& text,
      const std::shared_ptr<grpc::ServerCredentials>& credentials) {
    absl::StatusOr<Address> address = ParseAddress(key, text);
    if (!address.ok()) return address.status();
    auto port = std::make_unique<GrpcPort>();
    int bound = 0;
    builder.AddListeningPort(text, credentials, &bound);
    builder.RegisterService(&service);
    port->server_ = builder.BuildAndStart();
    if (port->server_ == nullptr || bound == 0) {
      return absl::UnavailableError(absl::StrCat(key, ": cannot listen on ",
                                                 text, ": ", WhyNot(*address)));
    }
    port->address_ = absl::StrCat(text.substr(0, text.rfind(':')), ":", bound);
    return port;
  }

  const std::string& address() const { return address_; }
  void Shutdown() {
    server_->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
  }

 private:
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

class ServerBody final : public Server {
 public:
  ServerBody(const ServerOptions& options, Coordinator& coordinator)
      : edge_(coordinator, options), federation_(edge_), admin_(edge_) {
    const std::optional<TlsFiles>& files =
        options.tls.has_value() ? options.tls : options.plaintext_authority;
    if (!files.has_value()) return;
    client_authority_.emplace(files->authority);
    if (!files->crl.empty()) revocations_.emplace(*files);
  }
  ~ServerBody() override { Shutdown(); }

  absl::Status Open();

  std::string federation_address() const override {
    return federation_port_->address();
  }
  std::string admin_address() const override { return admin_port_->address(); }
  std::string http_address() const override { return http_address_; }
  std::size_t connections() const override { return edge_.streams.size(); }
  void RefuseNewStreams() override { edge_.is_draining = true; }
  void Shutdown() override;

 private:
  absl::Status OpenHttp();
  void KeepHouse();
  void ReadRevocations();
  absl::Status ReadAuthority();
  std::vector<Metric> Metrics() const;

  Edge edge_;
  FederationService federation_;
  AdminService admin_;
  // Used by Open, then by the housekeeper's thread.
  std::optional<RevocationFile> revocations_;
  std::optional<ClientAuthority> client_authority_;
  std::string list_trouble_;
  std::string authority_trouble_;
  Deadlines::Clock::time_point next_reload_;
  std::string http_address_ = "off";
  std::unique_ptr<GrpcPort> federation_port_;
  std::unique_ptr<GrpcPort> admin_port_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<Housekeeper> housekeeper_;
  bool is_shut_down_ = false;
};

absl::Status ServerBody::Open() {
  const ServerOptions& options = edge_.options;
  if (options.tls.has_value()) {
    if (absl::Status status = CheckTlsFiles(*options.tls); !status.ok()) {
      return status;
    }
  }
  if (options.plaintext_authority.has_value()) {
    absl::Status status = CheckAuthorityFiles(*options.plaintext_authority);
    if (!status.ok()) return status;
  }
  // Before the first client can come.
  ReadRevocations();
  if (absl::Status status = ReadAuthority(); !status.ok()) return status;
  const std::shared_ptr<grpc::ServerCredentials> credentials =
      MakeServerCredentials(options);

  grpc::ResourceQuota quota("federation");
  quota.Resize(options.buffer_bytes);
  grpc::ServerBuilder federation;
  Configure(federation);
  federation.SetResourceQuota(quota);
  absl::StatusOr<std::unique_ptr<GrpcPort>> federation_port = GrpcPort::Open(
      federation, federation_, "listen", options.listen, credentials);
  if (!federation_port.ok()) return federation_port.status();
  federation_port_ = *std::move(federation_port);

  grpc::ResourceQuota admin_quota("admin");
  admin_quota.Resize(kAdminBuffers);
  admin_quota.SetMaxThreads(kAdminThreads);
  grpc::ServerBuilder admin;
  Configure(admin);
  admin.SetResourceQuota(admin_quota);
  admin.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  admin.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  admin.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
  absl::StatusOr<std::unique_ptr<GrpcPort>> admin_port = GrpcPort::Open(
      admin, admin_, "admin_listen", options.admin_listen, credentials);
  if (!admin_port.ok()) return admin_port.status();
  admin_port_ = *std::move(admin_port);

  if (absl::Status status = OpenHttp(); !status.ok()) return status;
  housekeeper_ =
      std::make_unique<Housekeeper>(kHousekeeping, [this] { KeepHouse(); });
  return absl::OkStatus();
}

absl::Status ServerBody::OpenHttp() {
  const std::string& text = edge_.options.http_listen;
  if (text == "off") return absl::OkStatus();
  absl::StatusOr<Address> address = ParseAddress("http_listen", text);
  if (!address.ok()) return address.status();
  absl::StatusOr<std::unique_ptr<HttpServer>> http = HttpServer::Start(
      *address, {[this] { return FormatMetrics(Metrics()); },
                 [this] {
                   return edge_.is_draining ? absl::UnavailableError("draining")
                                            : edge_.coordinator.Health();
                 }});
  if (!http.ok()) return http.status();
  http_ = *std::move(http);
  http_address_ =
      absl::StrCat(text.substr(0, text.rfind(':')), ":", http_->port());
  return absl::OkStatus();
}

void ServerBody::KeepHouse() {
  const Deadlines::Clock::time_point now = Deadlines::Clock::now();
  edge_.deadlines.Run(now);
  if (now < next_reload_) return;
  next_reload_ = now + edge_.options.reload_interval;
  ReadRevocations();
  const absl::Status authority = ReadAuthority();
  // Tried again each time, said once.
  std::string why(authority.message());
  if (!authority.ok() && why != authority_trouble_) {
    LogWarning("authority not read; the one before stays", {{"why", why}});
  }
  authority_trouble_ = std::move(why);
}

void ServerBody::ReadRevocations() {
  if (!revocations_.has_value()) return;
  absl::StatusOr<std::optional<std::vector<std::string>>> serials =
      revocations_->Poll();
  if (!serials.ok()) {
    // Tried again each time, said once.
    std::string why(serials.status().message());
    if (why != list_trouble_) {
      LogWarning("revocation list not read; the list before stays",
                 {{"why", why}});
    }
    list_trouble_ = std::move(why);
    return;
  }
  list_trouble_.clear();
  if (!serials->has_value()) return;
  LogInfo("revocation list read",
          {{"revoked", std::to_string((*serials)->size())}});
  client_authority_->SetRevoked(**serials);
  edge_.coordinator.SetRevoked(**std::move(serials));
}

absl::Status ServerBody::ReadAuthority() {
  if (!client_authority_.has_value()) return absl::OkStatus();
  absl::StatusOr<ClientAuthority::Made> authority =
      client_authority_->Poll(std::chrono::system_clock::now());
  if (!authority.ok()) return authority.status();
  if (*authority != nullptr) {
    edge_.coordinator.SetAuthority(*std::move(authority));
  }
  return absl::OkStatus();
}

std::vector<Metric> ServerBody::Metrics() const {
  using Kind = Metric::Kind;
  std::vector<Metric> metrics = edge_.coordinator.Metrics();
  for (Metric& metric : ProcessMetrics()) metrics.push_back(std::move(metric));
  metrics.push_back({"tributary_join_streams",
                     "Join streams that are open.",
                     Kind::kGauge,
                     {},
                     static_cast<double>(edge_.streams.size())});
  const auto count = [&](const char* method,
                         const std::atomic<std::uint64_t>& calls) {
    metrics.push_back({"tributary_calls_total",
                       "Calls begun, by method.",
                       Kind::kCounter,
                       {{"method", method}},
                       static_cast<double>(calls.load())});
  };
  count("Join", edge_.joins);
  count("FetchModel", edge_.fetches);
  count("UploadUpdate", edge_.uploads);
  count("Admin", edge_.admin_calls);
  metrics.push_back({"tributary_stalled_transfers_total",
                     "Uploads and downloads ended because nothing moved.",
                     Kind::kCounter,
                     {},
                     static_cast<double>(edge_.stalls.load())});
  metrics.push_back({"tributary_handshake_failures_total",
                     "TLS handshakes that failed.",
                     Kind::kCounter,
                     {},
                     static_cast<double>(HandshakeFailureCount())});
  return metrics;
}

void ServerBody::Shutdown() {
  if (std::exchange(is_shut_down_, true)) return;
  edge_.is_draining = true;
  admin_.Stop();
  edge_.streams.CloseAll(
      absl::UnavailableError("the coordinator is shutting down"));
  if (federation_port_ != nullptr) federation_port_->Shutdown();
  if (admin_port_ != nullptr) admin_port_->Shutdown();
  http_.reset();
  housekeeper_.reset();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const ServerOptions& options, Coordinator& coordinator) {
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  RouteGrpcLog();
  auto server = std::make_unique<ServerBody>(options, coordinator);
  if (absl::Status status = server->Open(); !status.ok()) return status;
  return server;
}

}  // namespace tributary::coordinator
