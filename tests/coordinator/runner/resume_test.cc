// SPDX-License-Identifier: Apache-2.0
// Closed and opened again at every point of a run.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "coordinator/store/database.h"
#include "coordinator/store/store.h"
#include "tests/coordinator/runner/federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

PlanChoice SmallRun() { return {.clients = 3, .min_updates = 3, .rounds = 2}; }

// The first regular file under the folder that is not a probe.
std::filesystem::path FirstFile(const std::filesystem::path& folder) {
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) return entry.path();
  }
  return {};
}

int CountFiles(const std::filesystem::path& folder) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder)) {
    files += entry.is_regular_file() ? 1 : 0;
  }
  return files;
}

void FlipByte(const std::filesystem::path& path, std::streamoff offset) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(offset);
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(offset);
  file.put(byte);
}

TEST_CASE("a coordinator that restarts anywhere makes the same models") {
  const v1::Plan plan = MakePlan(SmallRun());
  const auto clients = ClientNames(3);
  std::string expected;
  int letters = 0;
  {
    Federation federation;
    const std::string run = federation.Submit(plan);
    federation.Drive(run, clients, [&](int number) { letters = number; });
    expected = federation.ModelBytes(run, 2);
    CHECK(expected == OracleModels(plan, federation.Updates()).back());
  }
  for (int point = 0; point <= letters; ++point) {
    Federation federation;
    const std::string run = federation.Submit(plan);
    federation.Drive(run, clients, [&](int number) {
      if (number != point) return;
      federation.Close();
      federation.Open();
      federation.ComeBack(clients);
    });
    INFO("restarted before letter " << point);
    CHECK(federation.Show(run).summary().state() == v1::FINISHED);
    CHECK(federation.ModelBytes(run, 2) == expected);

    federation.Close();
    auto store = store::Store::Open(federation.options().state_folder);
    REQUIRE(store.ok());
    const auto updates = (*store)->Updates(run, "committed");
    REQUIRE(updates.ok());
    CHECK(updates->size() == 6);
  }
}

TEST_CASE("a second coordinator on the same folder is refused") {
  Federation federation;
  const auto second = coordinator::Coordinator::Open(federation.options());
  CHECK(absl::IsFailedPrecondition(second.status()));
  CHECK(
      std::string(second.status().message()).find(std::to_string(::getpid())) !=
      std::string::npos);
}

TEST_CASE("a database of a newer program is refused") {
  Federation federation;
  federation.Close();
  {
    auto database = store::Database::Open(
        std::filesystem::path(federation.options().state_folder) /
        "tributary.db");
    REQUIRE(database.ok());
    REQUIRE((*database)->Execute("PRAGMA user_version = 1000").ok());
  }
  const auto opened = coordinator::Coordinator::Open(federation.options());
  CHECK(absl::IsFailedPrecondition(opened.status()));
}

// One update accepted of two; then the process ends.
struct HalfRound {
  Federation federation;
  std::string run = federation.Submit(
      MakePlan({.clients = 2, .min_updates = 2, .rounds = 1}));
  v1::Task second_task;

  HalfRound() {
    federation.Join("client-0");
    federation.CheckIn("client-0");
    federation.Join("client-1");
    federation.CheckIn("client-1");
    const v1::Task task = federation.AwaitTask("client-0");
    second_task = federation.AwaitTask("client-1");
    REQUIRE(federation.Return("client-0", MakeUpdate(task)).accepted());
    federation.Close();
  }
  std::filesystem::path State() { return federation.options().state_folder; }
};

TEST_CASE("an accepted update that is damaged in the spool is reported") {
  HalfRound half;
  std::filesystem::path spooled;
  SECTION("damaged") { FlipByte(FirstFile(half.State() / "spool"), 4'000); }
  SECTION("gone") {
    std::filesystem::remove(FirstFile(half.State() / "spool"));
  }
  half.federation.Open();
  half.federation.Join("client-1");
  half.federation.CheckIn("client-1");
  // The run ends, so the client is sent away.
  half.federation.mail().Await(
      [](const Letter& letter) { return letter.message.has_come_back(); });
  const v1::RunDetail shown = half.federation.Show(half.run);
  CHECK(shown.summary().state() == v1::FAILED);
  CHECK(shown.summary().message().find("accepted update") != std::string::npos);
}

TEST_CASE("a damaged model is never trained from") {
  HalfRound half;
  FlipByte(FirstFile(half.State() / "blobs"), 100'000);
  half.federation.Open();
  const v1::RunDetail shown = half.federation.Show(half.run);
  CHECK(shown.summary().state() == v1::FAILED);
  CHECK(shown.summary().message().find("damaged") != std::string::npos);
}

TEST_CASE("a torn snapshot is passed over for the one before it") {
  HalfRound half;
  {
    auto database = store::Database::Open(half.State() / "tributary.db");
    REQUIRE(database.ok());
    REQUIRE((*database)
                ->Execute("UPDATE snapshots SET state = substr(state, 1, "
                          "length(state) - 1) WHERE seq = "
                          "(SELECT max(seq) FROM snapshots)")
                .ok());
  }
  half.federation.Open();
  half.federation.Join("client-1");
  half.federation.CheckIn("client-1");
  const v1::Task again = half.federation.AwaitTask("client-1");
  CHECK(again.task_token() == half.second_task.task_token());
  CHECK(half.federation.Return("client-1", MakeUpdate(again)).accepted());
}

TEST_CASE("with no good snapshot the run is failed, and says so") {
  HalfRound half;
  {
    auto database = store::Database::Open(half.State() / "tributary.db");
    REQUIRE(database.ok());
    REQUIRE((*database)->Execute("UPDATE snapshots SET checksum = 1").ok());
  }
  half.federation.Open();
  CHECK(half.federation.Show(half.run).summary().state() == v1::FAILED);
  // Its population is free for another, and so is its place in the spool.
  const std::string other = half.federation.Submit(
      MakePlan({.clients = 1, .min_updates = 1, .rounds = 1}));
  half.federation.Drive(other, ClientNames(1));
  CHECK(half.federation.Show(other).summary().state() == v1::FINISHED);
  CHECK(CountFiles(half.State() / "spool") == 1);
  half.federation.Close();
  auto store = store::Store::Open(half.State());
  REQUIRE(store.ok());
  CHECK((*store)->Updates(half.run, "accepted")->empty());
  CHECK((*store)->Updates(half.run, "void")->size() == 1);
}

TEST_CASE("the record of counted updates reaches back as far as it should") {
  Federation federation;
  federation.Close();
  federation.options().recorded_rounds = 2;
  federation.Open();
  const v1::Plan plan = MakePlan({.clients = 1, .min_updates = 1, .rounds = 5});
  const std::string run = federation.Submit(plan);
  federation.Drive(run, ClientNames(1), [&](int number) {
    if (number != 9) return;
    federation.Close();
    federation.Open();
    federation.ComeBack(ClientNames(1));
  });
  CHECK(federation.ModelBytes(run, 5) ==
        OracleModels(plan, federation.Updates()).back());
  federation.Close();
  auto store = store::Store::Open(federation.options().state_folder);
  REQUIRE(store.ok());
  const auto updates = (*store)->Updates(run, "");
  REQUIRE(updates.ok());
  REQUIRE(updates->size() == 2);
  CHECK(updates->front().round == 4);
  CHECK(updates->back().round == 5);
  CHECK((*store)->Rounds(run, 100)->size() == 5);
}

TEST_CASE("models besides the first, the latest and the evaluated go") {
  Federation federation;
  const std::string run = federation.Submit(
      MakePlan({.clients = 1, .min_updates = 1, .rounds = 14}));
  federation.Drive(run, ClientNames(1));
  CHECK(absl::IsNotFound(federation.coordinator().ModelOf(run, 4).status()));
  CHECK(federation.coordinator().ModelOf(run, 5).ok());
  CHECK(CountFiles(std::filesystem::path(federation.options().state_folder) /
                   "blobs") == 11);
}

}  // namespace
}  // namespace tributary::testing
