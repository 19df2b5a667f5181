// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <thread>

#include "tests/coordinator/server/server_fixture.h"

#include "tests/catch.h"

using namespace tributary;
using namespace tributary::testing;
using namespace std::chrono_literals;

namespace {

const std::string kToken(16, 't');

// Bytes that are different everywhere.
std::string Sample(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  }
  return bytes;
}

Digest Store(FakeCoordinator& fake, const std::string& bytes) {
  const Digest digest = Sha256(bytes);
  fake.With([&](auto& state) { state.models[digest] = bytes; });
  return digest;
}

// A FetchModel call whose client reads nothing until Rest.
class Reading {
 public:
  Reading(const std::shared_ptr<grpc::Channel>& channel, const Digest& digest)
      : stub_(v1::Federation::NewStub(channel)) {
    // Outlasts the patience of every other call.
    context_.set_deadline(std::chrono::system_clock::now() + 60s);
    v1::FetchModelRequest request;
    request.set_sha256(std::string(digest.AsBytes()));
    reader_ = stub_->FetchModel(&context_, request);
  }
  ~Reading() {
    context_.TryCancel();
    if (reader_ != nullptr) (void)Rest();
  }
  // What was sent meanwhile, the rest, and how the call ended.
  Fetched Rest() {
    Fetched fetched;
    v1::ModelChunk chunk;
    while (reader_->Read(&chunk)) fetched.bytes += chunk.data();
    fetched.status = reader_->Finish();
    reader_.reset();
    return fetched;
  }

 private:
  std::unique_ptr<v1::Federation::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::ModelChunk>> reader_;
};

}  // namespace

TEST_CASE_METHOD(ServerFixture, "an upload's bytes reach the spool") {
  Start();
  const std::string update = Sample(3'000'001);
  fake_.With([&](auto& state) { state.upload_size = update.size(); });
  Uploading upload(ConnectClient(Trainer("pump-1")));
  REQUIRE(upload.Header(kToken, 0));
  for (std::size_t at = 0; at < update.size(); at += 1 << 20) {
    REQUIRE(upload.Data(update.substr(at, 1 << 20)));
  }
  const grpc::Status status = upload.Finish();
  INFO(status.error_message());
  CHECK(status.ok());
  CHECK(upload.reply().received() == update.size());
  fake_.With([&](auto& state) {
    CHECK(state.uploads[kToken] == update);
    CHECK(state.finished[kToken] == 1);
    CHECK(state.uploaders[kToken] == "pump-1");
  });
}

TEST_CASE_METHOD(ServerFixture, "a broken upload is kept and resumed") {
  Start();
  const std::string update = Sample(300'000);
  fake_.With([&](auto& state) { state.upload_size = update.size(); });
  const auto channel = ConnectClient(Trainer("pump-1"));
  {
    Uploading upload(channel);
    REQUIRE(upload.Header(kToken, 0));
    REQUIRE(upload.Data(update.substr(0, 100'000)));
    REQUIRE(fake_.Await(
        [](auto& state) { return state.uploads[kToken].size() == 100'000; }));
    upload.Break();
  }
  REQUIRE(fake_.Await([](auto& state) { return state.open_uploads == 0; }));
  CHECK(fake_.With([](auto& state) { return state.finished[kToken]; }) == 0);

  Uploading wrong(channel);
  REQUIRE(wrong.Header(kToken, 5));
  CHECK(wrong.End().error_code() == grpc::OUT_OF_RANGE);

  Uploading resumed(channel);
  REQUIRE(resumed.Header(kToken, 100'000));
  REQUIRE(resumed.Data(update.substr(100'000)));
  CHECK(resumed.Finish().ok());
  CHECK(fake_.With([](auto& state) { return state.uploads[kToken]; }) ==
        update);
}

TEST_CASE_METHOD(ServerFixture, "a stolen token is refused") {
  Start();
  Uploading upload(ConnectClient(Trainer("pump-1")));
  REQUIRE(upload.Header(std::string(16, 'x'), 0));
  CHECK(upload.End().error_code() == grpc::PERMISSION_DENIED);
}

TEST_CASE_METHOD(ServerFixture, "garbage ends an upload and is counted") {
  Start();
  const auto channel = ConnectClient(Trainer("pump-1"));
  const std::vector<std::string> garbage = {
      "", "garbage", std::string(100, '\xFF'),
      // A length that says more than there is, and less.
      std::string("\x0A\x7F", 2), std::string("\x0A\x01zz", 4),
      // A header without a token of the right size.
      std::string("\x0A\x03\x0A\x01z", 5),
      // Data before the header.
      std::string("\x12\x01z", 3),
      // A length of ten bytes.
      "\x12" + std::string(9, '\x80') + "\x01"};
  for (const std::string& bytes : garbage) {
    Uploading upload(channel);
    REQUIRE(upload.SendRaw(bytes));
    CHECK(upload.End().error_code() == grpc::INVALID_ARGUMENT);
  }
  CHECK(fake_.With([](auto& state) { return state.refusals.size(); }) ==
        garbage.size());
  CHECK(fake_.With([](auto& state) { return state.uploads.empty(); }));
}

TEST_CASE_METHOD(ServerFixture, "a second header ends an upload") {
  Start();
  Uploading upload(ConnectClient(Trainer("pump-1")));
  REQUIRE(upload.Header(kToken, 0));
  REQUIRE(upload.Header(kToken, 0));
  CHECK(upload.End().error_code() == grpc::INVALID_ARGUMENT);
}

TEST_CASE_METHOD(ServerFixture, "a chunk over 1 MiB ends an upload") {
  Start();
  const auto channel = ConnectClient(Trainer("pump-1"));
  Uploading a_little(channel);
  REQUIRE(a_little.Header(kToken, 0));
  a_little.Data(std::string((1 << 20) + 1, 'z'));
  CHECK(a_little.End().error_code() == grpc::INVALID_ARGUMENT);
  Uploading a_lot(channel);
  REQUIRE(a_lot.Header(kToken, 0));
  a_lot.Data(std::string(8 << 20, 'z'));
  CHECK(a_lot.End().error_code() == grpc::RESOURCE_EXHAUSTED);
}

TEST_CASE_METHOD(ServerFixture, "an upload that stalls gives its credit back") {
  options_.stall_limit = 300ms;
  Start();
  Uploading upload(ConnectClient(Trainer("pump-1")));
  REQUIRE(upload.Header(kToken, 0));
  REQUIRE(fake_.Await([](auto& state) { return state.open_uploads == 1; }));
  CHECK(fake_.Await([](auto& state) { return state.open_uploads == 0; }));
  CHECK(fake_.With([](auto& state) { return state.finished[kToken]; }) == 0);
}

TEST_CASE_METHOD(ServerFixture, "an operator cannot upload or fetch") {
  Start();
  const Digest model = Store(fake_, "model");
  const auto channel = ConnectClient(Operator());
  CHECK(Uploading(channel).End().error_code() == grpc::PERMISSION_DENIED);
  CHECK(Fetch(channel, std::string(model.AsBytes()), 0).status.error_code() ==
        grpc::PERMISSION_DENIED);
}

TEST_CASE_METHOD(ServerFixture, "a model is fetched, and resumed anywhere") {
  Start();
  const std::string model = Sample(2'500'003);
  const Digest digest = Store(fake_, model);
  const auto channel = ConnectClient(Trainer("pump-1"));
  for (const std::size_t offset :
       {std::size_t{0}, std::size_t{1}, std::size_t{524288},
        std::size_t{2'000'000}, model.size()}) {
    const Fetched fetched =
        Fetch(channel, std::string(digest.AsBytes()), offset);
    CHECK(fetched.status.ok());
    CHECK(fetched.total_size == model.size());
    CHECK(fetched.bytes == model.substr(offset));
  }
  CHECK(Fetch(channel, std::string(digest.AsBytes()), model.size() + 1)
            .status.error_code() == grpc::OUT_OF_RANGE);
}

TEST_CASE_METHOD(ServerFixture,
                 "an unknown model or a wrong name is an error") {
  Start();
  const auto channel = ConnectClient(Trainer("pump-1"));
  CHECK(Fetch(channel, std::string(32, 'z'), 0).status.error_code() ==
        grpc::NOT_FOUND);
  CHECK(Fetch(channel, "short", 0).status.error_code() ==
        grpc::INVALID_ARGUMENT);
  CHECK(Fetch(channel, std::string(1000, 'z'), 0).status.error_code() ==
        grpc::INVALID_ARGUMENT);
}

TEST_CASE_METHOD(ServerFixture, "more fetches than chunk slots all complete") {
  Start();
  const std::string model = Sample(3'000'000);
  const Digest digest = Store(fake_, model);
  const auto channel = ConnectClient(Trainer("pump-1"));
  std::vector<std::thread> clients;
  std::atomic<int> complete = 0;
  for (int client = 0; client < 60; ++client) {
    clients.emplace_back([&] {
      if (Fetch(channel, std::string(digest.AsBytes()), 0).bytes == model) {
        ++complete;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  CHECK(complete == 60);
}

TEST_CASE_METHOD(ServerFixture,
                 "a client that reads nothing does not hold up another") {
  // Neither limit ends a call before the patience of this test does.
  options_.stall_limit = options_.chunk_limit = 60s;
  Start();
  const std::string model = Sample(3'000'000);
  const Digest digest = Store(fake_, model);
  const IssuedCertificate greedy = Trainer("pump-1");
  std::vector<std::unique_ptr<Reading>> stalled;
  // Each stops in its first chunk.
  for (int connection = 0; connection < 10; ++connection) {
    const auto channel = ConnectNarrowClient(greedy);
    for (int call = 0; call < 4; ++call) {
      stalled.push_back(std::make_unique<Reading>(channel, digest));
    }
  }
  // All 40 have asked for their slots.
  REQUIRE(fake_.Await([](auto& state) { return state.opened_models == 40; }));
  const Fetched other =
      Fetch(ConnectClient(Trainer("pump-2")), std::string(digest.AsBytes()), 0);
  INFO(other.status.error_message());
  CHECK((other.bytes == model));
}

TEST_CASE_METHOD(ServerFixture,
                 "many that read nothing are cut off while others wait") {
  options_.stall_limit = 60s;
  options_.chunk_limit = 500ms;
  Start();
  const std::string model = Sample(3'000'000);
  const Digest digest = Store(fake_, model);
  std::vector<std::unique_ptr<Reading>> stalled;
  for (int client = 0; client < 16; ++client) {
    const auto channel =
        ConnectNarrowClient(Trainer("pump-" + std::to_string(client)));
    stalled.push_back(std::make_unique<Reading>(channel, digest));
    stalled.push_back(std::make_unique<Reading>(channel, digest));
  }
  // They have all slots.
  REQUIRE(fake_.Await([](auto& state) { return state.opened_models == 32; }));
  const Fetched other =
      Fetch(ConnectClient(Trainer("quick")), std::string(digest.AsBytes()), 0);
  INFO(other.status.error_message());
  CHECK((other.bytes == model));
  CHECK(MetricOf("tributary_stalled_transfers_total") >= 1);
  int cut_off = 0;
  for (const auto& reading : stalled) {
    const Fetched rest = reading->Rest();
    if (rest.status.ok()) {
      CHECK((rest.bytes == model));
    } else {
      CHECK(rest.status.error_code() == grpc::CANCELLED);
      ++cut_off;
    }
  }
  CHECK(cut_off >= 1);
}

TEST_CASE_METHOD(ServerFixture, "a slow reader whom nobody waits for goes on") {
  options_.stall_limit = 60s;
  options_.chunk_limit = 250ms;
  Start();
  const std::string model = Sample(3'000'000);
  const Digest digest = Store(fake_, model);
  Reading slow(ConnectNarrowClient(Trainer("slow")), digest);
  REQUIRE(fake_.Await([](auto& state) { return state.opened_models == 1; }));
  const auto channel = ConnectClient(Trainer("quick"));
  const auto enough = std::chrono::steady_clock::now() + 1s;
  while (std::chrono::steady_clock::now() < enough) {
    REQUIRE(Fetch(channel, std::string(digest.AsBytes()), 0).status.ok());
  }
  const Fetched rest = slow.Rest();
  CHECK(rest.status.ok());
  CHECK((rest.bytes == model));
}
