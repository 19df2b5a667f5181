// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <string>
#include <thread>

#include "coordinator/server/credentials.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "privacy/secagg/certificate_identity.h"
#include "tests/coordinator/server/server_fixture.h"

#include "tests/catch.h"

using namespace tributary;
using namespace tributary::testing;
using namespace std::chrono_literals;

TEST_CASE_METHOD(ServerFixture, "a client joins under its certificate's name") {
  Start();
  Joining client(
      ConnectClient(authority_.Issue("pump-17", {RoleUri("evaluator")})));
  client.Hello();
  const auto welcome = client.Next();
  REQUIRE(welcome.has_value());
  CHECK(welcome->welcome().client_name() == "pump-17");
  CHECK(welcome->welcome().role() == v1::EVALUATOR);
  client.CheckIn();
  CHECK(fake_.Await([](const auto& state) {
    return state.received.size() == 1 && state.received[0].has_check_in();
  }));
}

TEST_CASE_METHOD(ServerFixture,
                 "a stream that ends is told to the coordinator") {
  Start();
  {
    Joining client(ConnectClient(Trainer("pump-1")));
    client.Hello();
    REQUIRE(client.Next().has_value());
  }
  CHECK(fake_.Await([](const auto& state) { return state.left == 1; }));
}

TEST_CASE_METHOD(ServerFixture, "messages to a client arrive in order") {
  Start();
  Joining client(ConnectClient(Trainer("pump-1")));
  client.Hello();
  REQUIRE(client.Next().has_value());
  REQUIRE(
      fake_.Await([](const auto& state) { return state.peers.size() == 1; }));
  fake_.With([](auto& state) {
    for (int round = 1; round <= 20; ++round) {
      v1::ServerMessage message;
      message.mutable_task()->set_round(round);
      state.peers.begin()->second->Send(message);
    }
    state.peers.begin()->second->Close(absl::UnavailableError("later"));
  });
  for (unsigned round = 1; round <= 20; ++round) {
    const auto message = client.Next();
    REQUIRE(message.has_value());
    CHECK(message->task().round() == round);
  }
  const grpc::Status status = client.End();
  CHECK(status.error_code() == grpc::UNAVAILABLE);
  CHECK(status.error_message() == "later");
}

TEST_CASE_METHOD(ServerFixture,
                 "a certificate of another authority is refused and counted") {
  Start();
  const double before = MetricOf("tributary_handshake_failures_total");
  const Authority stranger("another authority");
  Joining client(ConnectClient(stranger.Issue("pump-1", {})));
  client.Hello();
  CHECK(client.End().error_code() == grpc::UNAVAILABLE);
  CHECK(fake_.With([](auto& state) { return state.joined.empty(); }));
  CHECK(MetricOf("tributary_handshake_failures_total") >= before + 1);
}

TEST_CASE_METHOD(ServerFixture,
                 "a revoked certificate is refused and counted") {
  const IssuedCertificate stolen = Trainer("pump-1");
  folder_.Write("crl.pem", authority_.Revoke({stolen.serial}));
  Start();
  Joining client(ConnectClient(stolen));
  client.Hello();
  const grpc::Status status = client.End();
  CHECK(status.error_code() == grpc::PERMISSION_DENIED);
  CHECK(status.error_message() ==
        "certificate " + stolen.serial + " was revoked");
  CHECK(fake_.With([](auto& state) { return state.refusals; }) ==
        std::vector{round::Refusal::kRevoked});
}

TEST_CASE_METHOD(ServerFixture,
                 "a list of revocations is read when it changes") {
  Start();
  const IssuedCertificate stolen = Trainer("pump-1");
  folder_.Write("crl.pem", authority_.Revoke({"0A", stolen.serial}));
  CHECK(fake_.Await([&](const auto& state) {
    return state.revoked == std::set<std::string>{"0A", stolen.serial};
  }));
}

TEST_CASE_METHOD(ServerFixture,
                 "a list that comes before its authority is read after it") {
  Start();
  const IssuedCertificate stolen = Trainer("pump-1");
  const Authority next("the next authority");
  folder_.Write("crl.pem", next.Revoke({stolen.serial}));
  coordinator::RevocationFile file(*options_.tls);
  CHECK_FALSE(file.Poll().ok());
  CHECK_FALSE(file.Poll().ok());
  folder_.Write("ca.pem", authority_.certificate() + next.certificate());
  const auto read = file.Poll();
  REQUIRE(read.ok());
  CHECK(read->has_value());
  CHECK(fake_.Await([&](const auto& state) {
    return state.revoked == std::set<std::string>{stolen.serial};
  }));
}

TEST_CASE_METHOD(ServerFixture,
                 "secure sessions get an authority that knows who is revoked") {
  const auto identifies = [&](const IssuedCertificate& issued) {
    const auto authority =
        fake_.With([](const auto& state) { return state.authority; });
    return authority != nullptr &&
           authority
               ->Identify(
                   secagg::MakeCertificateSigner(issued.certificate, issued.key)
                       .value()
                       ->credential())
               .ok();
  };
  const IssuedCertificate kept = Trainer("pump-1");
  const IssuedCertificate stolen = Trainer("pump-2");
  SECTION("over TLS") {}
  SECTION("in plaintext, where the authority is all that is named") {
    options_.plaintext_authority = options_.tls;
    options_.tls.reset();
  }
  Start();
  CHECK(identifies(kept));
  CHECK(identifies(stolen));
  CHECK_FALSE(identifies(Authority("another").Issue("pump-1", {})));

  const auto before =
      fake_.With([](const auto& state) { return state.authority; });
  folder_.Write("crl.pem", authority_.Revoke({stolen.serial}));
  REQUIRE(fake_.Await(
      [&](const auto& state) { return state.authority != before; }));
  CHECK(identifies(kept));
  CHECK_FALSE(identifies(stolen));

  const auto latest =
      fake_.With([](const auto& state) { return state.authority; });
  const Authority next("the next authority");
  folder_.Write("ca.pem", authority_.certificate() + next.certificate());
  REQUIRE(fake_.Await(
      [&](const auto& state) { return state.authority != latest; }));
  CHECK(identifies(next.Issue("pump-3", {})));
  CHECK(identifies(kept));
}

TEST_CASE_METHOD(ServerFixture, "an operator is not a client") {
  Start();
  Joining client(ConnectClient(Operator()));
  client.Hello();
  CHECK(client.End().error_code() == grpc::PERMISSION_DENIED);
  CHECK(fake_.With([](auto& state) { return state.refusals; }) ==
        std::vector{round::Refusal::kWrongRole});
}

TEST_CASE_METHOD(ServerFixture, "a hello cannot name another client") {
  Start();
  Joining client(ConnectClient(Trainer("pump-1")));
  client.Hello("pumps", "pump-2");
  CHECK(client.End().error_code() == grpc::PERMISSION_DENIED);
  CHECK(fake_.With([](auto& state) { return state.refusals; }) ==
        std::vector{round::Refusal::kIdentityMismatch});
}

TEST_CASE_METHOD(ServerFixture, "a certificate may be for some populations") {
  Start();
  const IssuedCertificate certificate = authority_.Issue(
      "pump-1", {PopulationUri("pumps"), PopulationUri("valves")});
  Joining allowed(ConnectClient(certificate));
  allowed.Hello("valves");
  CHECK(allowed.Next().has_value());
  Joining refused(ConnectClient(certificate));
  refused.Hello("meters");
  CHECK(refused.End().error_code() == grpc::PERMISSION_DENIED);
  CHECK(fake_.With([](auto& state) { return state.refusals; }) ==
        std::vector{round::Refusal::kWrongPopulation});
}

TEST_CASE_METHOD(ServerFixture, "a second hello ends the stream") {
  Start();
  Joining client(ConnectClient(Trainer("pump-1")));
  client.Hello();
  client.Hello();
  const grpc::Status status = client.End();
  CHECK(status.error_code() == grpc::INVALID_ARGUMENT);
  CHECK(status.error_message() == "hello came twice");
}

TEST_CASE_METHOD(ServerFixture, "the first message must be a hello") {
  Start();
  Joining client(ConnectClient(Trainer("pump-1")));
  client.CheckIn();
  CHECK(client.End().error_code() == grpc::INVALID_ARGUMENT);
}

TEST_CASE_METHOD(ServerFixture, "a long message is not kept") {
  Start();
  Joining client(ConnectClient(Trainer("pump-1")));
  client.Hello();
  REQUIRE(client.Next().has_value());
  v1::ClientMessage message;
  message.mutable_task_failed()->set_message(std::string(10'000, 'x'));
  client.Send(message);
  CHECK(client.End().error_code() == grpc::INVALID_ARGUMENT);
  CHECK(fake_.With([](auto& state) {
    return state.received.empty() &&
           state.refusals == std::vector{round::Refusal::kBadMessage};
  }));
}

// The longest messages of a secure session that the limits of their fields
// allow: shares for all neighbours, and those of all owners.
TEST_CASE_METHOD(ServerFixture, "a secure session's messages may be longer") {
  v1::ClientMessage message;
  v1::SecureClientMessage& secure = *message.mutable_secure();
  secure.set_task_token(std::string(16, 't'));
  const bool is_sharing = GENERATE(true, false);
  if (is_sharing) {
    secure.mutable_key_shares()->set_self_mask(std::string(32, 'd'));
    for (int i = 0; i < 2'047; ++i) {
      v1::SecureSealedShares& one = *secure.mutable_key_shares()->add_shares();
      one.set_peer(1'048'575);
      one.set_sealed(std::string(80, 's'));
      one.set_mask_key_commitment(std::string(16, 'm'));
      one.set_self_mask_commitment(std::string(16, 'c'));
    }
  } else {
    for (int i = 0; i < 6'000; ++i) {
      v1::SecureRevealedShare& one = *secure.mutable_unmasking()->add_shares();
      one.set_owner(1'048'575);
      one.set_share(std::string(32, 's'));
    }
  }
  Start();
  Joining client(ConnectClient(Trainer("pump-1")));
  client.Hello();
  REQUIRE(client.Next().has_value());
  client.Send(message);
  CHECK(fake_.Await([&](const auto& state) {
    return state.received.size() == 1 &&
           state.received[0].ByteSizeLong() == message.ByteSizeLong();
  }));
  SECTION("not longer than that") {
    secure.mutable_key_shares()->set_self_mask(std::string(300'000, 'x'));
    client.Send(message);
    CHECK(client.End().error_code() == grpc::INVALID_ARGUMENT);
  }
  SECTION("nor as often as short ones") {
    for (int i = 0; i < 100; ++i) client.Send(message);
    CHECK(client.End().error_code() == grpc::RESOURCE_EXHAUSTED);
  }
}

TEST_CASE_METHOD(ServerFixture, "a peer says whether it is still writing") {
  Start();
  Joining client(ConnectNarrowClient(Trainer("pump-1")));
  client.Hello();
  REQUIRE(client.Next().has_value());
  REQUIRE(
      fake_.Await([](const auto& state) { return state.peers.size() == 1; }));
  const auto peer =
      fake_.With([](auto& state) { return state.peers.begin()->second; });
  constexpr int kMessages = 3;
  for (int i = 0; i < kMessages; ++i) {
    v1::ServerMessage message;
    message.mutable_secure()->mutable_survivors()->set_survivors(
        std::string(1 << 20, 's'));
    peer->Send(message);
  }
  CHECK(peer->IsWriting());
  for (int i = 0; i < kMessages; ++i) REQUIRE(client.Next().has_value());
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (peer->IsWriting() && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  CHECK_FALSE(peer->IsWriting());
}

TEST_CASE_METHOD(ServerFixture, "an empty message ends the stream") {
  Start();
  Joining client(ConnectClient(Trainer("pump-1")));
  client.Hello();
  client.Send(v1::ClientMessage());
  CHECK(client.End().error_code() == grpc::INVALID_ARGUMENT);
}

TEST_CASE_METHOD(ServerFixture, "a stream without a hello is closed in time") {
  options_.hello_limit = 1ms;
  Start();
  Joining client(ConnectClient(Trainer("pump-1")));
  CHECK(client.End().error_code() == grpc::DEADLINE_EXCEEDED);
}

TEST_CASE_METHOD(ServerFixture, "a client that floods is cut off") {
  Start();
  Joining client(ConnectClient(Trainer("pump-1")));
  client.Hello();
  // More than 20 s of what a client may send.
  for (int i = 0; i < 6000; ++i) client.CheckIn();
  CHECK(client.End().error_code() == grpc::RESOURCE_EXHAUSTED);
}

TEST_CASE_METHOD(ServerFixture, "a shutdown closes the streams with a reason") {
  Start();
  Joining client(ConnectClient(Trainer("pump-1")));
  client.Hello();
  REQUIRE(client.Next().has_value());
  server_->Shutdown();
  const grpc::Status status = client.End();
  CHECK(status.error_code() == grpc::UNAVAILABLE);
  CHECK(status.error_message() == "the coordinator is shutting down");
}

TEST_CASE_METHOD(ServerFixture, "without TLS the hello says who it is") {
  options_.tls.reset();
  Start();
  Joining named(ConnectClient({}));
  named.Hello("pumps", "pump-1");
  CHECK(named.Next().has_value());
  Joining nameless(ConnectClient({}));
  nameless.Hello("pumps");
  CHECK(nameless.End().error_code() == grpc::PERMISSION_DENIED);
}

TEST_CASE_METHOD(ServerFixture, "new certificates are used without a restart") {
  Start();
  const Authority next("the next authority");
  const IssuedCertificate renewed = next.Issue("coordinator", {});
  folder_.Write("server.key", renewed.key);
  folder_.Write("server.pem", renewed.certificate);
  folder_.Write("ca.pem", next.certificate());
  const IssuedCertificate client = next.Issue("pump-1", {});
  // The client trusts the new authority only, so it joins once the server has
  // changed over.
  grpc::Status status;
  for (int attempt = 0; attempt < 2000; ++attempt) {
    Joining joining(grpc::CreateChannel(
        server_->federation_address(),
        grpc::SslCredentials(
            {next.certificate(), client.key, client.certificate})));
    joining.Hello();
    if (joining.Next().has_value()) return;
  }
  FAIL("the new certificate was never used");
}
