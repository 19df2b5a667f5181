// SPDX-License-Identifier: Apache-2.0
// The small pure parts of the edge: statuses, options, log lines, metrics.
#include "coordinator/server/chunk_slots.h"
#include "coordinator/server/client_authority.h"
#include "coordinator/server/deadlines.h"
#include "coordinator/server/grpc_log.h"
#include "coordinator/server/grpc_status.h"
#include "coordinator/server/http_server.h"
#include "coordinator/server/log.h"
#include "coordinator/server/metrics_page.h"
#include "coordinator/server/server_options.h"
#include "tests/coordinator/server/certificates.h"

#include "tests/catch.h"

using namespace tributary;
using namespace tributary::coordinator;
using namespace tributary::testing;
using namespace std::chrono_literals;

TEST_CASE("every absl code has its gRPC code") {
  CHECK(ToGrpc(absl::OkStatus()).ok());
  CHECK(ToGrpc(absl::CancelledError("")).error_code() == grpc::CANCELLED);
  CHECK(ToGrpc(absl::UnknownError("")).error_code() == grpc::UNKNOWN);
  CHECK(ToGrpc(absl::InvalidArgumentError("")).error_code() ==
        grpc::INVALID_ARGUMENT);
  CHECK(ToGrpc(absl::DeadlineExceededError("")).error_code() ==
        grpc::DEADLINE_EXCEEDED);
  CHECK(ToGrpc(absl::NotFoundError("")).error_code() == grpc::NOT_FOUND);
  CHECK(ToGrpc(absl::AlreadyExistsError("")).error_code() ==
        grpc::ALREADY_EXISTS);
  CHECK(ToGrpc(absl::PermissionDeniedError("")).error_code() ==
        grpc::PERMISSION_DENIED);
  CHECK(ToGrpc(absl::UnauthenticatedError("")).error_code() ==
        grpc::UNAUTHENTICATED);
  CHECK(ToGrpc(absl::ResourceExhaustedError("")).error_code() ==
        grpc::RESOURCE_EXHAUSTED);
  CHECK(ToGrpc(absl::FailedPreconditionError("")).error_code() ==
        grpc::FAILED_PRECONDITION);
  CHECK(ToGrpc(absl::AbortedError("")).error_code() == grpc::ABORTED);
  CHECK(ToGrpc(absl::OutOfRangeError("")).error_code() == grpc::OUT_OF_RANGE);
  CHECK(ToGrpc(absl::UnimplementedError("")).error_code() ==
        grpc::UNIMPLEMENTED);
  CHECK(ToGrpc(absl::InternalError("")).error_code() == grpc::INTERNAL);
  CHECK(ToGrpc(absl::UnavailableError("")).error_code() == grpc::UNAVAILABLE);
  CHECK(ToGrpc(absl::DataLossError("")).error_code() == grpc::DATA_LOSS);
  CHECK(ToGrpcCode(static_cast<absl::StatusCode>(99)) == grpc::UNKNOWN);
}

TEST_CASE("a long message is cut between characters") {
  std::string message;
  while (message.size() < 2 * kMaxStatusMessage) message += "\u00e9x\u20ac";
  const std::string cut = ToGrpc(absl::InternalError(message)).error_message();
  CHECK(cut.size() <= kMaxStatusMessage);
  CHECK(cut.size() > kMaxStatusMessage - 8);
  CHECK(cut.substr(cut.size() - 3) == "...");
  CHECK(message.substr(0, cut.size() - 3) == cut.substr(0, cut.size() - 3));
  // The byte after the cut begins a character.
  CHECK((static_cast<unsigned char>(message[cut.size() - 3]) & 0xC0) != 0x80);
}

TEST_CASE("without TLS only loopback addresses are allowed") {
  v1::CoordinatorConfig config;
  config.set_insecure(true);
  const auto options = ToServerOptions(config, "/etc/tributary");
  REQUIRE(options.ok());
  CHECK(options->listen == "127.0.0.1:8470");
  for (const char* loopback :
       {"127.0.0.1:0", "127.1.2.3:80", "[::1]:8470", "localhost:8470"}) {
    config.set_listen(loopback);
    CHECK(ToServerOptions(config, "/").ok());
  }
  for (const char* elsewhere :
       {"0.0.0.0:8470", "[::]:8470", "192.168.1.1:8470", "127.example.org:80",
        "fl.example.org:8470", "localhost.example.org:1"}) {
    config.set_listen(elsewhere);
    CHECK(ToServerOptions(config, "/").status().message() ==
          std::string("listen: \"") + elsewhere +
              "\" is not a loopback address; without TLS only those are "
              "allowed");
  }
  config.set_listen("127.0.0.1:0");
  config.set_admin_listen("0.0.0.0:0");
  CHECK(!ToServerOptions(config, "/").ok());
}

TEST_CASE("TLS is the default, and its files are relative to the folder") {
  v1::CoordinatorConfig config;
  CHECK(!ToServerOptions(config, "/").ok());
  config.mutable_tls()->set_authority("pki/ca.pem");
  config.mutable_tls()->set_certificate("/other/server.pem");
  config.mutable_tls()->set_key("server.key");
  config.mutable_tls()->set_crl("pki/crl.pem");
  config.set_buffer_mib(64);
  const auto options = ToServerOptions(config, "/etc/tributary");
  REQUIRE(options.ok());
  CHECK(options->listen == "0.0.0.0:8470");
  CHECK(options->tls->authority == "/etc/tributary/pki/ca.pem");
  CHECK(options->tls->certificate == "/other/server.pem");
  CHECK(options->tls->crl == "/etc/tributary/pki/crl.pem");
  CHECK(options->buffer_bytes == 64u << 20);
  config.mutable_tls()->clear_key();
  CHECK(ToServerOptions(config, "/").status().message() ==
        "tls.certificate and tls.key: missing; the coordinator proves with "
        "them who it is");
}

TEST_CASE("without TLS an authority alone may be named") {
  v1::CoordinatorConfig config;
  config.set_insecure(true);
  config.mutable_tls()->set_authority("pki/ca.pem");
  config.mutable_tls()->set_crl("pki/crl.pem");
  const auto options = ToServerOptions(config, "/etc/tributary");
  REQUIRE(options.ok());
  CHECK_FALSE(options->tls.has_value());
  CHECK(options->plaintext_authority->authority == "/etc/tributary/pki/ca.pem");
  CHECK(options->plaintext_authority->crl == "/etc/tributary/pki/crl.pem");
  config.mutable_tls()->set_certificate("server.pem");
  CHECK(ToServerOptions(config, "/").status().message() ==
        "insecure: true and tls.certificate and tls.key exclude each other");
}

TEST_CASE("an authority is made anew after a minute, and not before") {
  const TemporaryFolder folder;
  ClientAuthority file(
      folder.Write("ca.pem", Authority("authority").certificate()));
  const auto now = std::chrono::system_clock::now();
  const auto made = [&](std::chrono::seconds after) {
    const auto polled = file.Poll(now + after);
    REQUIRE(polled.ok());
    return *polled != nullptr;
  };
  using std::chrono::seconds;
  CHECK(made(seconds(0)));
  CHECK_FALSE(made(seconds(59)));
  CHECK(made(seconds(60)));
  CHECK_FALSE(made(seconds(61)));
  // The clock was put back.
  CHECK(made(seconds(5)));
  file.SetRevoked({"0A"});
  CHECK(made(seconds(6)));
  folder.Write("ca.pem", "nothing");
  CHECK(file.Poll(now + seconds(100)).status().message() ==
        "tls.authority: " + (folder.path() / "ca.pem").string() +
            " holds no PEM certificate");
}

TEST_CASE("an address is host:port") {
  CHECK(ParseAddress("listen", "[::1]:8470")->host == "::1");
  CHECK(ParseAddress("listen", "host:0")->port == 0);
  for (const char* wrong : {"", ":", "host", ":80", "host:", "host:x",
                            "host:65536", "host:-1", "::1:80"}) {
    INFO(wrong);
    CHECK(!ParseAddress("listen", wrong).ok());
  }
}

TEST_CASE("a client's text cannot forge a log line") {
  CHECK(FormatLogEvent({LogEvent::Level::kInfo,
                        "caller refused",
                        {{"client", "pump-1"},
                         {"why", "a \"b\"\nx=1"},
                         {"empty", ""},
                         {"path", "C:\\x"}}}) ==
        R"("caller refused" client=pump-1 why="a \"b\"\x0ax=1" empty="")"
        R"( path="C:\\x")");
  CHECK(SetLogLevel("loud").message() ==
        "log_level: \"loud\" is none of debug, info, warn, error");
}

TEST_CASE("metrics of one name stand together") {
  using Kind = Metric::Kind;
  CHECK(FormatMetrics({{"a_total", "As.", Kind::kCounter, {{"x", "1"}}, 1},
                       {"b", "Bs.", Kind::kGauge, {}, 0.5},
                       {"a_total", "As.", Kind::kCounter, {{"x", "\""}}, 2}}) ==
        "# HELP a_total As.\n# TYPE a_total counter\n"
        "a_total{x=\"1\"} 1\na_total{x=\"\\\"\"} 2\n"
        "# HELP b Bs.\n# TYPE b gauge\nb 0.5\n");
  for (const Metric& metric : ProcessMetrics()) CHECK(metric.value > 0);
}

TEST_CASE("what is due expires once, in the order of time") {
  struct Call final : Expiring {
    explicit Call(std::vector<int>& the_expired, int the_number)
        : expired(the_expired), number(the_number) {}
    void Expire() override { expired.push_back(number); }
    std::vector<int>& expired;
    int number;
  };
  std::vector<int> expired;
  Deadlines deadlines;
  const Deadlines::Clock::time_point start{};
  const auto late = std::make_shared<Call>(expired, 2);
  const auto early = std::make_shared<Call>(expired, 1);
  deadlines.Add(start + 2s, late);
  deadlines.Add(start + 1s, early);
  deadlines.Add(start + 1s, std::make_shared<Call>(expired, 3));  // gone
  deadlines.Run(start);
  CHECK(expired.empty());
  deadlines.Run(start + 1s);
  CHECK(expired == std::vector{1});
  deadlines.Run(start + 9s);
  deadlines.Run(start + 9s);
  CHECK(expired == std::vector{1, 2});
}

TEST_CASE("each failed handshake counts, and few are lines of the log") {
  CHECK(FailedHandshake("Handshake failed with fatal error SSL_ERROR_SSL: "
                        "certificate verify failed.") ==
        "fatal error SSL_ERROR_SSL: certificate verify failed.");
  CHECK_FALSE(FailedHandshake("Cannot bind").has_value());
  HandshakeFailures failures;
  const HandshakeFailures::Time start{};
  const auto first = failures.Note("no certificate", start);
  REQUIRE(first.has_value());
  CHECK(FormatLogEvent(*first) ==
        "\"handshake failed\" why=\"no certificate\" failed=1");
  CHECK_FALSE(failures.Note("a scan", start + 1s).has_value());
  CHECK_FALSE(failures.Note("a scan", start + 9s).has_value());
  const auto later = failures.Note("a scan", start + 10s);
  REQUIRE(later.has_value());
  CHECK(FormatLogEvent(*later) ==
        "\"handshake failed\" why=\"a scan\" failed=3");
  CHECK(failures.count() == 4);
}

TEST_CASE("many who give a slot back at once do not fill the stack") {
  ChunkSlots slots(1, 1);
  slots.Acquire("first", [] {});
  int turns = 0;
  constexpr int kWaiting = 300'000;
  for (int i = 0; i < kWaiting; ++i) {
    slots.Acquire("pump", [&] {
      ++turns;
      slots.Release("pump");
    });
  }
  CHECK(turns == 0);
  slots.Release("first");
  CHECK(turns == kWaiting);
  // And the slot is free again, once.
  slots.Acquire("pump", [&] { ++turns; });
  slots.Acquire("pump", [&] { ++turns; });
  CHECK(turns == kWaiting + 1);
}

TEST_CASE("one client never holds more than its share of the slots") {
  ChunkSlots slots(4, 2);
  std::string got;
  for (int call = 0; call < 3; ++call) {
    slots.Acquire("a", [&] { got += 'a'; });
  }
  CHECK(got == "aa");
  CHECK_FALSE(slots.IsShort());  // it waits for itself alone
  slots.Acquire("b", [&] { got += 'b'; });
  CHECK(got == "aab");
  slots.Release("b");
  CHECK(got == "aab");
  slots.Release("a");
  CHECK(got == "aaba");
}

TEST_CASE("clients that wait for a slot take turns") {
  ChunkSlots slots(1, 1);
  slots.Acquire("first", [] {});
  std::string got;
  for (const char* client : {"a", "a", "a", "b", "b", "c"}) {
    slots.Acquire(client, [&got, &slots, client] {
      got += client;
      slots.Release(client);
    });
  }
  CHECK(slots.IsShort());
  slots.Release("first");
  CHECK(got == "abcaba");
  CHECK_FALSE(slots.IsShort());
}

TEST_CASE("an HTTP server that is destroyed at once does not hang") {
  for (int round = 0; round < 100; ++round) {
    auto server = HttpServer::Start(
        {"127.0.0.1", 0}, {.metrics = [] { return std::string(); },
                           .health = [] { return absl::OkStatus(); }});
    REQUIRE(server.ok());
    CHECK((*server)->port() > 0);
  }
}
