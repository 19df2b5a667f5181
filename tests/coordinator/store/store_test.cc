// SPDX-License-Identifier: Apache-2.0
#include "coordinator/store/store.h"

#include <string>

#include "coordinator/store/file.h"
#include "coordinator/store/schema.h"
#include "tests/coordinator/store/temp_folder.h"

#include "tests/catch.h"

namespace tributary::store {
namespace {

struct StoreFixture {
  StoreFixture() { REQUIRE(store->Commit({AddRun{row}}).ok()); }
  UpdateRow Update(const std::string& client, int attempt) {
    return {.round = 1,
            .attempt = attempt,
            .client = client,
            .token = {1, 2, 3},
            .weight = 5,
            .slot = 9,
            .size = 100,
            .checksum = ~std::uint64_t{0},
            .state = {}};
  }
  void Damage(const std::string& sql) {
    auto database = Database::Open(folder.path() / "tributary.db");
    REQUIRE(database.ok());
    REQUIRE((*database)->Execute(sql).ok());
  }

  testing::TempFolder folder;
  RunRow row{.run = "digits-1",
             .number = 1,
             .plan = std::string("plan\0bytes", 10),
             .key = std::string(32, 'k'),
             .first_model = Sha256(std::string_view("model")),
             .archive = {},
             .state = 1,
             .message = "it's fine",
             .submitted = 1'234,
             .max_debits = 40};
  std::unique_ptr<Store> store = Store::Open(folder.path()).value();
};

TEST_CASE_METHOD(StoreFixture, "what was committed is there in a new process") {
  REQUIRE(store
              ->Commit({SaveRound{row.run,
                                  {.round = 1,
                                   .attempts = 2,
                                   .model = row.first_model,
                                   .accepted = 3,
                                   .aggregates = {{4, 0.5}},
                                   .seconds = 6,
                                   .metrics = {}}},
                        SaveRound{row.run,
                                  {.round = 2,
                                   .attempts = 1,
                                   .model = row.first_model,
                                   .accepted = 3,
                                   .aggregates = {},
                                   .seconds = 7,
                                   .metrics = {}}},
                        SaveMetrics{row.run, 1, {{"accuracy", 0.75}}},
                        KeepModel{row.run, 1, row.first_model},
                        SaveClient{{.client = "a", .population = "pumps"}}})
              .ok());
  store.reset();
  store = Store::Open(folder.path()).value();
  const auto runs = store->Runs();
  REQUIRE(runs.ok());
  REQUIRE(runs->size() == 1);
  CHECK(runs->front().plan == row.plan);
  CHECK(runs->front().message == row.message);
  CHECK(runs->front().first_model == row.first_model);
  CHECK(runs->front().max_debits == 40);
  const auto rounds = store->Rounds(row.run, 10);
  REQUIRE(rounds.ok());
  REQUIRE(rounds->size() == 2);
  CHECK(rounds->front().metrics.at("accuracy") == 0.75);
  REQUIRE(rounds->front().aggregates.has_value());
  CHECK(rounds->front().aggregates->total_weight == 4);
  CHECK(rounds->front().aggregates->train_loss == 0.5);
  CHECK_FALSE(rounds->back().aggregates.has_value());
  CHECK(rounds->back().seconds == 7);
  CHECK(store->Clients()->front().population == "pumps");
  CHECK(store->KeptBlobs()->contains(row.first_model));
}

TEST_CASE_METHOD(StoreFixture, "a batch that fails leaves nothing behind") {
  const absl::Status status =
      store->Commit({AppendEvent{row.run, {1, "event"}}, AddRun{row}});
  CHECK(absl::IsAlreadyExists(status));
  CHECK(store->JournalAfter(row.run, 0)->empty());
  CHECK(store->Commit({AppendEvent{row.run, {1, "event"}}}).ok());
  CHECK(store->JournalAfter(row.run, 0)->size() == 1);
}

TEST_CASE_METHOD(StoreFixture, "an update counts at most once in a round") {
  REQUIRE(store
              ->Commit({CountUpdate{row.run, Update("a", 1)},
                        VoidUpdates{row.run, 1, 1},
                        CountUpdate{row.run, Update("a", 2)}})
              .ok());
  CHECK(*store->SpooledSlots() == std::set<std::int64_t>{9});
  // The same attempt again.
  CHECK(absl::IsAlreadyExists(
      store->Commit({CountUpdate{row.run, Update("a", 2)}})));
  REQUIRE(store->Commit({CommitUpdates{row.run, 1, 2}}).ok());
  // Another attempt of a round that is released.
  CHECK(absl::IsAlreadyExists(store->Commit(
      {CountUpdate{row.run, Update("a", 3)}, CommitUpdates{row.run, 1, 3}})));
  const auto updates = store->Updates(row.run, "committed");
  REQUIRE(updates.ok());
  REQUIRE(updates->size() == 1);
  CHECK(updates->front().attempt == 2);
  CHECK(updates->front().checksum == ~std::uint64_t{0});
  CHECK(store->SpooledSlots()->empty());
}

TEST_CASE_METHOD(StoreFixture, "a sum's leaves are counted with it") {
  UpdateRow sum = Update("edge-1", 1);
  sum.leaves = 1'000'000;
  sum.weight = std::uint64_t{1} << 44;
  REQUIRE(store
              ->Commit({CountUpdate{row.run, sum},
                        CountUpdate{row.run, Update("pump", 1)}})
              .ok());
  const auto updates = store->Updates(row.run, "accepted");
  REQUIRE(updates.ok());
  REQUIRE(updates->size() == 2);
  CHECK(updates->front().leaves == 1'000'000);
  CHECK(updates->front().weight == std::uint64_t{1} << 44);
  CHECK(updates->back().leaves == 0);
}

TEST_CASE_METHOD(StoreFixture, "an aggregator's sessions are kept") {
  AggregatorRow edge{.aggregator = "edge-1",
                     .used_session = 0,
                     .used_epoch = 0,
                     .offered_session = 1,
                     .offered_epoch = 1};
  REQUIRE(store->Commit({SaveAggregator{edge}}).ok());
  edge.used_session = 7;
  edge.used_epoch = 5;
  edge.offered_session = 8;
  edge.offered_epoch = 5;
  REQUIRE(store->Commit({SaveAggregator{edge}}).ok());
  const auto rows = store->Aggregators();
  REQUIRE(rows.ok());
  REQUIRE(rows->size() == 1);
  CHECK(rows->front().aggregator == "edge-1");
  CHECK(rows->front().used_session == 7);
  CHECK(rows->front().used_epoch == 5);
  CHECK(rows->front().offered_session == 8);
  CHECK(rows->front().offered_epoch == 5);
  // What no fence can be is not kept.
  edge.used_session = 9;
  CHECK_FALSE(store->Commit({SaveAggregator{edge}}).ok());
}

TEST_CASE_METHOD(StoreFixture, "old updates go, but not those in the spool") {
  UpdateRow second = Update("a", 1);
  second.round = 2;
  REQUIRE(
      store
          ->Commit({CountUpdate{row.run, Update("a", 1)},
                    VoidUpdates{row.run, 1, 1},
                    CountUpdate{row.run, Update("a", 2)},
                    CommitUpdates{row.run, 1, 2},
                    CountUpdate{row.run, Update("b", 3)},
                    CountUpdate{row.run, second}, CommitUpdates{row.run, 2, 1},
                    ForgetUpdates{row.run, 2}})
          .ok());
  const auto updates = store->Updates(row.run, "");
  REQUIRE(updates.ok());
  REQUIRE(updates->size() == 2);
  CHECK(updates->front().state == "accepted");
  CHECK(updates->back().round == 2);
}

TEST_CASE_METHOD(StoreFixture,
                 "two snapshots are kept, and the events since the older") {
  for (std::int64_t seq = 1; seq <= 9; ++seq) {
    Batch batch = {AppendEvent{row.run, {seq, "event"}}};
    if (seq % 3 == 0) {
      batch.push_back(
          SaveSnapshot{row.run, {seq, "state " + std::to_string(seq)}});
    }
    REQUIRE(store->Commit(batch).ok());
  }
  CHECK(store->LatestSnapshot(row.run)->row.state == "state 9");
  CHECK(store->JournalAfter(row.run, 9)->empty());

  Damage("UPDATE snapshots SET state = 'stat' WHERE seq = 9");
  const auto before = store->LatestSnapshot(row.run);
  REQUIRE(before.ok());
  CHECK(before->row.state == "state 6");
  CHECK(before->damaged == 1);
  CHECK(store->JournalAfter(row.run, 6)->size() == 3);
  CHECK(absl::IsDataLoss(store->JournalAfter(row.run, 3).status()));

  Damage("UPDATE snapshots SET checksum = 0 WHERE seq = 6");
  CHECK(absl::IsDataLoss(store->LatestSnapshot(row.run).status()));
}

TEST_CASE_METHOD(StoreFixture,
                 "a release is charged once, to the run and to its clients") {
  const auto debit = [&](std::int64_t seq, int attempt,
                         std::vector<std::string> clients) {
    return DebitRelease{{.seq = seq,
                         .population = "pumps",
                         .run = row.run,
                         .round = 1,
                         .attempt = attempt,
                         .entry = "entry " + std::to_string(seq)},
                        std::move(clients)};
  };
  REQUIRE(store->Commit({debit(1, 1, {"a", "b"})}).ok());
  REQUIRE(store->Commit({debit(2, 2, {"b", "c"})}).ok());
  CHECK(absl::IsAlreadyExists(store->Commit({debit(3, 2, {"b"})})));

  store.reset();
  store = Store::Open(folder.path()).value();
  const auto all = store->LedgerAfter(0, 1'000);
  REQUIRE(all.ok());
  REQUIRE(all->size() == 2);
  CHECK(all->back().seq == 2);
  CHECK(all->back().population == "pumps");
  CHECK(all->back().run == row.run);
  CHECK(all->back().attempt == 2);
  CHECK(all->back().entry == "entry 2");
  const auto first = store->ParticipationAfter("", "", 2);
  REQUIRE(first.ok());
  REQUIRE(first->size() == 2);
  CHECK(first->front().client == "a");
  CHECK(first->front().rounds == 1);
  CHECK(first->back().client == "b");
  CHECK(first->back().rounds == 2);
  const auto rest = store->ParticipationAfter("pumps", "b", 2);
  REQUIRE(rest.ok());
  REQUIRE(rest->size() == 1);
  CHECK(rest->front().client == "c");
  CHECK(rest->front().population == "pumps");
}

TEST_CASE_METHOD(StoreFixture,
                 "the ledger is read in pages, and a gap is found out") {
  for (int round = 1; round <= 5; ++round) {
    REQUIRE(store
                ->Commit({DebitRelease{{.seq = round,
                                        .population = "pumps",
                                        .run = row.run,
                                        .round = round,
                                        .attempt = 1,
                                        .entry = std::string(10, 'e')},
                                       {}}})
                .ok());
  }
  CHECK(store->LedgerAfter(0, 25)->size() == 2);
  CHECK(store->LedgerAfter(2, 1)->size() == 1);
  CHECK(store->LedgerAfter(2, 1)->front().round == 3);
  CHECK(store->LedgerAfter(5, 25)->empty());
  Damage("DELETE FROM ledger WHERE seq = 3");
  CHECK(store->LedgerAfter(0, 10)->size() == 1);
  CHECK(absl::IsDataLoss(store->LedgerAfter(2, 1).status()));
  CHECK(absl::IsDataLoss(store->LedgerAfter(0, 1'000).status()));
}

TEST_CASE("a database of the first version is brought to this one") {
  const testing::TempFolder folder;
  {
    auto database = Database::Open(folder.path() / "tributary.db");
    REQUIRE(database.ok());
    REQUIRE((*database)
                ->Execute(std::string(Migrations().front()) +
                          "INSERT INTO runs VALUES ('old-1', 1, 'plan', 'key', "
                          "zeroblob(32), '', 1, '', 5);"
                          "PRAGMA user_version = 1;")
                .ok());
  }
  auto store = Store::Open(folder.path());
  REQUIRE(store.ok());
  REQUIRE((*store)->Runs()->size() == 1);
  CHECK_FALSE((*store)->Runs()->front().max_debits.has_value());
  CHECK((*store)->LedgerAfter(0, 1'000)->empty());
}

TEST_CASE("figures that nobody measured go from private runs of before") {
  const testing::TempFolder folder;
  {
    auto database = Database::Open(folder.path() / "tributary.db");
    REQUIRE(database.ok());
    REQUIRE((*database)
                ->Execute(std::string(Migrations()[0]) + Migrations()[1] +
                          "INSERT INTO runs VALUES ('plain-1', 1, 'plan', "
                          "'key', zeroblob(32), '', 1, '', 5, NULL), "
                          "('private-1', 2, 'plan', 'key', zeroblob(32), '', "
                          "1, '', 5, 40);"
                          "INSERT INTO rounds VALUES "
                          "('plain-1', 1, 2, zeroblob(32), 3, 300, 0.5, 6), "
                          "('private-1', 1, 1, zeroblob(32), 3, 3, 0, 7);"
                          "INSERT INTO ledger VALUES "
                          "(1, 'pumps', 'private-1', 1, 1, 'entry');"
                          "PRAGMA user_version = 2;")
                .ok());
  }
  auto store = Store::Open(folder.path());
  REQUIRE(store.ok());
  const auto plain = (*store)->Rounds("plain-1", 10);
  REQUIRE(plain.ok());
  REQUIRE(plain->size() == 1);
  CHECK(plain->front().attempts == 2);
  REQUIRE(plain->front().aggregates.has_value());
  CHECK(plain->front().aggregates->total_weight == 300);
  CHECK(plain->front().aggregates->train_loss == 0.5);
  const auto kept = (*store)->Rounds("private-1", 10);
  REQUIRE(kept.ok());
  REQUIRE(kept->size() == 1);
  CHECK_FALSE(kept->front().aggregates.has_value());
  CHECK(kept->front().accepted == 3);
  CHECK(kept->front().seconds == 7);
}

TEST_CASE_METHOD(StoreFixture, "an event that is missing is found out") {
  REQUIRE(store
              ->Commit({AppendEvent{row.run, {1, "a"}},
                        AppendEvent{row.run, {2, "b"}},
                        AppendEvent{row.run, {3, "c"}}})
              .ok());
  Damage("DELETE FROM journal WHERE seq = 2");
  CHECK(absl::IsDataLoss(store->JournalAfter(row.run, 0).status()));
}

TEST_CASE("the schema has a version, and a newer one is refused") {
  const testing::TempFolder folder;
  REQUIRE(Store::Open(folder.path()).ok());
  auto database = Database::Open(folder.path() / "tributary.db");
  REQUIRE(database.ok());
  {
    Query version(**database, "PRAGMA user_version");
    REQUIRE(version.Next());
    CHECK(version.Integer(0) == static_cast<std::int64_t>(Migrations().size()));
  }
  REQUIRE((*database)->Execute("PRAGMA user_version = 99").ok());
  CHECK(absl::IsFailedPrecondition(Store::Open(folder.path()).status()));
}

TEST_CASE("a file that is no database is refused") {
  const testing::TempFolder folder;
  auto file = File::Open(folder.path() / "tributary.db", File::Mode::kCreate);
  REQUIRE(file.ok());
  const std::string text(8'192, 'x');
  REQUIRE(file->Write(0, std::as_bytes(std::span<const char>(text))).ok());
  CHECK(absl::IsDataLoss(Store::Open(folder.path()).status()));
}

}  // namespace
}  // namespace tributary::store
