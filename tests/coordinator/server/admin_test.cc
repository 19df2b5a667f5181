// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "httplib.h"
#include "tests/coordinator/server/server_fixture.h"

#include "tests/catch.h"

using namespace tributary;
using namespace tributary::testing;

namespace {

v1::RunDetail Detail(v1::RunState state, unsigned accepted) {
  v1::RunDetail detail;
  detail.mutable_summary()->set_state(state);
  detail.set_accepted_updates(accepted);
  return detail;
}

v1::SubmitRunMessage Plan(const std::string& name) {
  v1::SubmitRunMessage message;
  message.mutable_plan()->set_name(name);
  return message;
}

v1::SubmitRunMessage Weights(const std::string& bytes) {
  v1::SubmitRunMessage message;
  message.set_weights(bytes);
  return message;
}

v1::SubmitRunMessage Archive(const std::string& bytes) {
  v1::SubmitRunMessage message;
  message.set_archive(bytes);
  return message;
}

struct Submitted {
  v1::RunSummary summary;
  grpc::Status status;
};
Submitted Submit(v1::Admin::Stub& admin,
                 const std::vector<v1::SubmitRunMessage>& messages) {
  Submitted submitted;
  grpc::ClientContext context;
  const auto writer = admin.SubmitRun(&context, &submitted.summary);
  for (const v1::SubmitRunMessage& message : messages) writer->Write(message);
  writer->WritesDone();
  submitted.status = writer->Finish();
  return submitted;
}

}  // namespace

TEST_CASE_METHOD(ServerFixture, "an operator reads the ledger, page by page") {
  Start();
  std::vector<v1::LedgerPage> pages(2);
  pages[0].add_entries()->set_number(1);
  pages[1].add_participation()->set_client("pump-1");
  fake_.With([&](auto& state) { state.ledger = pages; });
  const auto admin = ConnectAdmin(Operator());
  grpc::ClientContext context;
  const auto reader = admin->ReadLedger(&context, {});
  v1::LedgerPage page;
  REQUIRE(reader->Read(&page));
  CHECK(page.entries(0).number() == 1);
  REQUIRE(reader->Read(&page));
  CHECK(page.participation(0).client() == "pump-1");
  CHECK_FALSE(reader->Read(&page));
  CHECK(reader->Finish().ok());

  const auto trainer = ConnectAdmin(Trainer("pump-1"));
  grpc::ClientContext other;
  CHECK(trainer->ReadLedger(&other, {})->Finish().error_code() ==
        grpc::PERMISSION_DENIED);
}

TEST_CASE_METHOD(ServerFixture, "a trainer cannot call the admin service") {
  Start();
  const auto admin = ConnectAdmin(Trainer("pump-1"));
  grpc::ClientContext context;
  v1::ListRunsReply reply;
  const grpc::Status status = admin->ListRuns(&context, {}, &reply);
  CHECK(status.error_code() == grpc::PERMISSION_DENIED);
  CHECK(reply.runs_size() == 0);
  CHECK(Submit(*admin, {Plan("p"), Weights("w")}).status.error_code() ==
        grpc::PERMISSION_DENIED);
  CHECK(fake_.With([](auto& state) { return state.plans.empty(); }));
}

TEST_CASE_METHOD(ServerFixture, "the operator submits a run in chunks") {
  Start();
  const auto admin = ConnectAdmin(Operator());
  const std::string part(1 << 20, 'w');
  const Submitted submitted =
      Submit(*admin, {Plan("digits"), Weights(part), Weights(""), Weights(part),
                      Weights("end"), Archive("archive")});
  REQUIRE(submitted.status.ok());
  CHECK(submitted.summary.run() == "run-1");
  CHECK(submitted.summary.plan_name() == "digits");
  CHECK(submitted.summary.message() ==
        Sha256(part + part + "end").Hex() + " " + Sha256("archive").Hex());
  CHECK(fake_.With([](auto& state) { return state.blob_chunks; }) ==
        std::vector<std::size_t>{1 << 20, 1 << 20, 3, 7});
}

TEST_CASE_METHOD(ServerFixture, "a submission out of order is refused") {
  Start();
  const auto admin = ConnectAdmin(Operator());
  const std::vector<std::vector<v1::SubmitRunMessage>> wrong = {
      {},
      {Weights("w")},
      {Plan("p")},
      {Plan("p"), Archive("a")},
      {Plan("p"), Weights("w"), Archive("a"), Weights("w")},
      {Plan("p"), Weights("w"), Plan("p")}};
  for (const auto& messages : wrong) {
    CHECK(Submit(*admin, messages).status.error_code() ==
          grpc::INVALID_ARGUMENT);
  }
  CHECK(fake_.With([](auto& state) { return state.plans.empty(); }));
}

TEST_CASE_METHOD(ServerFixture, "an error of the coordinator keeps its code") {
  Start();
  const auto admin = ConnectAdmin(Operator());
  grpc::ClientContext context;
  v1::GetRunRequest request;
  request.set_run("run-2");
  v1::RunDetail reply;
  const grpc::Status status = admin->GetRun(&context, request, &reply);
  CHECK(status.error_code() == grpc::NOT_FOUND);
  CHECK(status.error_message() == "no run run-2");
}

TEST_CASE_METHOD(ServerFixture, "a watch tells the state until the run ends") {
  fake_.With([](auto& state) { state.detail = Detail(v1::RUNNING, 0); });
  Start();
  const auto admin = ConnectAdmin(Operator());
  grpc::ClientContext context;
  v1::GetRunRequest request;
  request.set_run("run-1");
  const auto reader = admin->WatchRun(&context, request);
  v1::RunDetail detail;
  REQUIRE(reader->Read(&detail));
  CHECK(detail.accepted_updates() == 0);
  REQUIRE(fake_.Await([](auto& state) { return state.watchers.size() == 1; }));
  // A reader that is slow misses some, but never the last.
  for (unsigned accepted = 1; accepted <= 1000; ++accepted) {
    fake_.Report(Detail(v1::RUNNING, accepted));
  }
  fake_.Report(Detail(v1::FINISHED, 1001));
  unsigned last = 0;
  while (reader->Read(&detail)) {
    CHECK(detail.accepted_updates() > last);
    last = detail.accepted_updates();
  }
  CHECK(last == 1001);
  CHECK(reader->Finish().ok());
  CHECK(fake_.Await([](auto& state) { return state.watchers.empty(); }));
}

TEST_CASE_METHOD(ServerFixture, "a shutdown ends a watch") {
  fake_.With([](auto& state) { state.detail = Detail(v1::RUNNING, 0); });
  Start();
  const auto admin = ConnectAdmin(Operator());
  grpc::ClientContext context;
  v1::GetRunRequest request;
  request.set_run("run-1");
  const auto reader = admin->WatchRun(&context, request);
  v1::RunDetail detail;
  REQUIRE(reader->Read(&detail));
  server_->Shutdown();
  CHECK(!reader->Read(&detail));
  CHECK(reader->Finish().error_code() == grpc::UNAVAILABLE);
}

TEST_CASE_METHOD(ServerFixture, "a revoked operator's watch ends") {
  fake_.With([](auto& state) { state.detail = Detail(v1::RUNNING, 0); });
  Start();
  const IssuedCertificate stolen = Operator();
  const auto admin = ConnectAdmin(stolen);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(20));
  v1::GetRunRequest request;
  request.set_run("run-1");
  const auto reader = admin->WatchRun(&context, request);
  v1::RunDetail detail;
  REQUIRE(reader->Read(&detail));
  fake_.SetRevoked({stolen.serial});
  CHECK(!reader->Read(&detail));
  CHECK(reader->Finish().error_code() == grpc::PERMISSION_DENIED);
}

TEST_CASE_METHOD(ServerFixture, "the operator gets a model") {
  const std::string model(1'200'000, 'm');
  fake_.With([&](auto& state) { state.models[Sha256(model)] = model; });
  Start();
  const auto admin = ConnectAdmin(Operator());
  grpc::ClientContext context;
  v1::GetModelRequest request;
  request.set_run("run-1");
  const auto reader = admin->GetModel(&context, request);
  std::string bytes;
  v1::ModelChunk chunk;
  while (reader->Read(&chunk)) bytes += chunk.data();
  CHECK(reader->Finish().ok());
  CHECK(bytes == model);
}

TEST_CASE_METHOD(ServerFixture, "metrics and health are served over HTTP") {
  Start();
  httplib::Client http("http://" + server_->http_address());
  const auto metrics = http.Get("/metrics");
  REQUIRE(metrics);
  CHECK(metrics->status == 200);
  CHECK(
      metrics->body.find("# TYPE tributary_refusals_total counter\n"
                         "tributary_refusals_total{reason=\"revoked\"} 1\n"
                         "tributary_refusals_total{reason=\"too_late\"} 3\n") !=
      std::string::npos);
  CHECK(metrics->body.find("process_resident_memory_bytes") !=
        std::string::npos);
  CHECK(metrics->body.find("tributary_join_streams 0") != std::string::npos);
  CHECK(http.Get("/healthz")->body == "ok\n");
  fake_.With([](auto& state) {
    state.health = absl::ResourceExhaustedError("the disk is full");
  });
  const auto health = http.Get("/healthz");
  REQUIRE(health);
  CHECK(health->status == 503);
  CHECK(health->body == "the disk is full\n");
}

TEST_CASE_METHOD(ServerFixture, "a port in use is named") {
  Start();
  coordinator::ServerOptions second = options_;
  second.listen = server_->federation_address();
  FakeCoordinator other;
  CHECK(coordinator::Server::Start(second, other).status().message() ==
        "listen: cannot listen on " + second.listen +
            ": Address already in use");
  second = options_;
  second.http_listen = server_->http_address();
  const absl::Status http = coordinator::Server::Start(second, other).status();
  CHECK(absl::IsUnavailable(http));
  CHECK(std::string(http.message()).rfind("http_listen: cannot", 0) == 0);
}

TEST_CASE_METHOD(ServerFixture, "a missing or unfit PEM file is named") {
  FakeCoordinator other;
  coordinator::ServerOptions options = options_;
  options.tls->certificate = folder_.path() / "none.pem";
  CHECK(coordinator::Server::Start(options, other).status().message() ==
        "tls.certificate: cannot read " + options.tls->certificate.string() +
            ": No such file or directory");
  options = options_;
  options.tls->key = folder_.Write("other.key", Trainer("other").key);
  CHECK(coordinator::Server::Start(options, other).status().message() ==
        "tls.key: " + options.tls->key.string() +
            " is not the key of the certificate");
  options.tls->key = folder_.Write("garbage.key", "garbage");
  CHECK(coordinator::Server::Start(options, other).status().message() ==
        "tls.key: " + options.tls->key.string() +
            " holds no PEM private key without a pass phrase");
  options = options_;
  options.tls->crl =
      folder_.Write("other.pem", Authority("another").Revoke({"0A"}));
  CHECK(coordinator::Server::Start(options, other).status().message() ==
        "tls.crl: " + options.tls->crl.string() +
            " is not signed by the authority");
}
