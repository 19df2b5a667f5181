// SPDX-License-Identifier: Apache-2.0
// Credits, in virtual time.
#include "coordinator/runner/upload_desk.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/coordinator/runner/federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

using coordinator::UploadDesk;
using coordinator::UploadKey;

struct DeskFixture : coordinator::UploadListener {
  bool SendGrant(const UploadKey& key, std::uint64_t offset) override {
    if (away.contains(key.client.name)) return false;
    granted.emplace_back(key.client.name, offset);
    return true;
  }
  void UploadEnded(coordinator::UploadResult result) override {
    ended.push_back(std::move(result));
  }
  void UploadReceived(std::size_t) override {}
  void SpoolFailed(const absl::Status&) override {}

  coordinator::UploadTerms Terms(const std::string& client) {
    return {.key = {{client}, {}},
            .run = "run",
            .contribution = {},
            .size = format->layout.length * sizeof(float),
            .checksum = 0,
            .format = format};
  }
  absl::StatusOr<std::unique_ptr<coordinator::Upload>> Open(
      const std::string& client, std::uint64_t offset = 0) {
    v1::UploadHeader header;
    header.set_task_token(std::string(16, '\0'));
    header.set_offset(offset);
    return desk.Open({client}, header);
  }
  static std::shared_ptr<const coordinator::ModelFormat> FormatOf(
      std::size_t floats) {
    return std::make_shared<const coordinator::ModelFormat>(
        coordinator::ModelFormat{
            .header = {},
            .layout = {.trainable = floats,
                       .length = floats,
                       .parameters = aggregation::Grid::Make({1, 1}).value(),
                       .buffers = aggregation::Grid::Make({1, 1}).value()},
            .encoding = aggregation::Encoding::kFloat32,
            .optimizer = {},
            .strategy = {}});
  }
  std::vector<std::string> Granted() {
    std::vector<std::string> names;
    for (const auto& [name, offset] : granted) names.push_back(name);
    return names;
  }

  using Names = std::vector<std::string>;
  TempFolder folder;
  std::unique_ptr<store::Spool> spool =
      store::Spool::Open(folder.path(), {}).value();
  coordinator::SteadyTime now{std::chrono::hours(1)};
  std::set<std::string> away;
  std::vector<std::pair<std::string, std::uint64_t>> granted;
  std::vector<coordinator::UploadResult> ended;
  std::shared_ptr<const coordinator::ModelFormat> format = FormatOf(10);
  UploadDesk desk{*spool, 2, [this] { return now; }, *this};
};

TEST_CASE_METHOD(DeskFixture, "no more uploads are granted than credits") {
  for (const char* name : {"a", "b", "c", "d"}) desk.Grant(Terms(name));
  CHECK(Granted() == Names{"a", "b"});
  CHECK(desk.in_flight() == 2);
  auto upload = Open("a");
  REQUIRE(upload.ok());
  CHECK(Granted() == Names{"a", "b"});
  // Broken off: the credit goes to the next.
  upload->reset();
  CHECK(Granted() == Names{"a", "b", "c"});
  // Nobody wants it any more.
  desk.Drop({{"b"}, {}});
  CHECK(Granted() == Names{"a", "b", "c", "d"});
  CHECK(desk.in_flight() == 2);
}

TEST_CASE_METHOD(DeskFixture, "a finished upload gives its credit back") {
  for (const char* name : {"a", "b", "c"}) desk.Grant(Terms(name));
  auto upload = Open("a");
  REQUIRE(upload.ok());
  const std::vector<std::byte> bytes(40);
  CHECK((*upload)->Write(bytes).ok());
  // The checksum is not theirs: refused, but over.
  CHECK_FALSE((*upload)->Finish().ok());
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].defect == round::Refusal::kBadChecksum);
  CHECK(Granted() == Names{"a", "b", "c"});
}

TEST_CASE_METHOD(DeskFixture, "who does not start within 15 s loses its turn") {
  for (const char* name : {"a", "b", "c"}) desk.Grant(Terms(name));
  now += std::chrono::seconds(14);
  desk.Expire();
  CHECK(Granted() == Names{"a", "b"});
  now += std::chrono::seconds(1);
  desk.Expire();
  CHECK(Granted() == Names{"a", "b", "c"});
  CHECK(absl::IsFailedPrecondition(Open("a").status()));
  // It may ask again.
  desk.Grant(Terms("a"));
  CHECK(Open("a").ok());
}

TEST_CASE_METHOD(DeskFixture, "an upload that stalls is closed") {
  for (const char* name : {"a", "b", "c"}) desk.Grant(Terms(name));
  auto a = Open("a");
  auto b = Open("b");
  REQUIRE(a.ok());
  REQUIRE(b.ok());
  const std::vector<std::byte> one(1);
  now += std::chrono::seconds(29);
  CHECK((*a)->Write(one).ok());
  now += std::chrono::seconds(1);
  desk.Expire();
  CHECK(Granted() == Names{"a", "b", "c"});
  CHECK(absl::IsAborted((*b)->Write(one)));
  CHECK((*a)->Write(one).ok());

  // A byte now and then is too slow as well.
  for (int i = 0; i < 4; ++i) {
    now += std::chrono::seconds(10);
    (void)(*a)->Write(one);
    desk.Expire();
  }
  CHECK(absl::IsAborted((*a)->Write(one)));
  CHECK(desk.in_flight() <= 1);
}

TEST_CASE_METHOD(DeskFixture,
                 "a long upload takes turns with those that wait") {
  format = FormatOf(100'000);
  for (const char* name : {"a", "b"}) desk.Grant(Terms(name));
  auto a = Open("a");
  auto b = Open("b");
  REQUIRE(a.ok());
  REQUIRE(b.ok());
  const std::vector<std::byte> piece(40'000);
  for (int i = 0; i < 4; ++i) {
    now += std::chrono::seconds(20);
    CHECK((*a)->Write(piece).ok());
    CHECK((*b)->Write(piece).ok());
    // Nobody waits.
    desk.Expire();
  }
  desk.Grant(Terms("c"));
  desk.Expire();
  CHECK(Granted() == Names{"a", "b", "c"});
  CHECK(absl::IsAborted((*a)->Write(piece)));
  CHECK((*b)->Write(piece).ok());
  // Now it waits itself, and goes on where it was.
  desk.Grant(Terms("a"));
  desk.Expire();
  CHECK(absl::IsAborted((*b)->Write(piece)));
  REQUIRE(granted.size() == 4);
  CHECK(granted[3] == std::pair<std::string, std::uint64_t>("a", 160'000));
  CHECK(Open("a", 160'000).ok());
}

TEST_CASE_METHOD(DeskFixture, "a client that is away costs no credit") {
  away = {"a"};
  for (const char* name : {"a", "b", "c"}) desk.Grant(Terms(name));
  CHECK(Granted() == Names{"b", "c"});
  CHECK(desk.in_flight() == 2);
}

TEST_CASE_METHOD(DeskFixture, "a second grant takes over from a dead upload") {
  desk.Grant(Terms("a"));
  auto dead = Open("a");
  REQUIRE(dead.ok());
  const std::vector<std::byte> half(20);
  CHECK((*dead)->Write(half).ok());
  desk.Grant(Terms("a"));
  REQUIRE(granted.size() == 2);
  CHECK(granted[1].second == 20);
  auto next = Open("a", 20);
  REQUIRE(next.ok());
  CHECK(absl::IsAborted((*dead)->Write(half)));
  CHECK((*next)->Write(half).ok());
  CHECK(desk.in_flight() == 1);
  dead->reset();
  CHECK(desk.in_flight() == 1);
}

}  // namespace
}  // namespace tributary::testing
