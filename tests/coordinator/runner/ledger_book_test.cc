// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/ledger_book.h"

#include <string>

#include "coordinator/store/database.h"
#include "tests/coordinator/store/temp_folder.h"
#include "tests/proto/ledgers.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

struct LedgerFixture {
  LedgerFixture() {
    for (const char* run : {"run-1", "run-2"}) {
      store::RunRow row;
      row.run = run;
      row.number = ++runs;
      row.key = std::string(32, 'k');
      REQUIRE(store->Commit({store::AddRun{row}}).ok());
    }
  }
  void Charge(LedgerBook& book, std::uint32_t round, const char* run) {
    auto charge = book.Charge(codec::SomeDebit(round, run), {"a", "b"});
    REQUIRE(charge.ok());
    REQUIRE(store->Commit({*std::move(charge)}).ok());
  }
  // Three releases of two runs.
  void ChargeThree(LedgerBook& book) {
    Charge(book, 1, "run-1");
    Charge(book, 2, "run-1");
    Charge(book, 1, "run-2");
  }
  void Damage(const std::string& sql) {
    auto database = store::Database::Open(folder.path() / "tributary.db");
    REQUIRE(database.ok());
    REQUIRE((*database)->Execute(sql).ok());
  }
  std::string DamageOf() {
    LedgerBook book;
    REQUIRE(book.Load(*store).ok());
    const auto refused = book.Charge(codec::SomeDebit(9), {});
    CHECK(refused.status() == book.damage());
    CHECK((book.damage().ok() || absl::IsDataLoss(book.damage())));
    return std::string(book.damage().message());
  }

  testing::TempFolder folder;
  std::int64_t runs = 0;
  std::unique_ptr<store::Store> store =
      store::Store::Open(folder.path()).value();
};

TEST_CASE_METHOD(LedgerFixture,
                 "what was charged is known after a restart, and goes on") {
  LedgerBook before;
  ChargeThree(before);
  LedgerBook book;
  REQUIRE(book.Load(*store).ok());
  CHECK(book.damage().ok());
  CHECK(book.OfRun("run-1").rounds() == 2);
  CHECK(book.OfRun("run-2").rounds() == 1);
  CHECK(book.OfRun("run-3").rounds() == 0);
  CHECK(book.OfPopulation("sensors").rounds() == 3);
  // Bit for bit.
  CHECK(book.OfPopulation("sensors").At(1e-6)->epsilon ==
        before.OfPopulation("sensors").At(1e-6)->epsilon);
  CHECK(book.IsCharged("run-1", 2, 1));
  CHECK_FALSE(book.IsCharged("run-1", 2, 2));
  CHECK_FALSE(book.IsCharged("run-1", 3, 1));
  CHECK_FALSE(book.IsCharged("run-3", 1, 1));

  Charge(book, 2, "run-2");
  LedgerBook after;
  REQUIRE(after.Load(*store).ok());
  CHECK(after.damage().ok());
  CHECK(after.OfPopulation("sensors").rounds() == 4);
}

TEST_CASE_METHOD(LedgerFixture, "a release is not charged twice") {
  LedgerBook book;
  Charge(book, 1, "run-1");
  const auto again = book.Charge(codec::SomeDebit(1), {});
  REQUIRE(again.ok());
  CHECK(absl::IsAlreadyExists(store->Commit({*again})));
}

TEST_CASE_METHOD(LedgerFixture,
                 "a damaged ledger names its entry, and nothing is charged") {
  LedgerBook book;
  ChargeThree(book);
  std::string sql;
  std::string said;
  SECTION("an entry that was changed") {
    // Within its serialised numbers.
    sql =
        "UPDATE ledger SET entry = substr(entry, 1, length(entry) - 1) || "
        "x'00' WHERE seq = 2";
    said = "damaged at entry 2 (run run-1, round 2)";
  }
  SECTION("an entry that was taken out") {
    sql = "DELETE FROM ledger WHERE seq = 2";
    said = "damaged at entry 2: it is missing";
  }
  SECTION("two entries that changed places") {
    sql =
        "UPDATE ledger SET seq = seq + 10 WHERE seq > 1;"
        "UPDATE ledger SET seq = 3 WHERE seq = 12;"
        "UPDATE ledger SET seq = 2 WHERE seq = 13";
    said = "damaged at entry 2 (run run-2, round 1)";
  }
  SECTION("a row that says another round than its entry") {
    sql = "UPDATE ledger SET round = 7 WHERE seq = 3";
    said = "damaged at entry 3 (run run-2, round 7)";
  }
  Damage(sql);
  CHECK(DamageOf().find(said) != std::string::npos);
}

TEST_CASE_METHOD(LedgerFixture,
                 "fewer entries than a run was charged are damage") {
  LedgerBook book;
  ChargeThree(book);
  LedgerBook loaded;
  REQUIRE(loaded.Load(*store).ok());
  loaded.Expect("run-1", 2);
  loaded.Expect("run-2", 1);
  loaded.Expect("run-3", 0);
  CHECK(loaded.damage().ok());
  loaded.Expect("run-2", 2);
  loaded.Expect("run-3", 1);
  CHECK(loaded.damage().message() ==
        "the ledger of privacy is damaged after entry 3, its last: it has 1 "
        "entries of run run-2, which was charged at least 2 times");
  CHECK(loaded.Charge(codec::SomeDebit(9), {}).status() == loaded.damage());
}

}  // namespace
}  // namespace tributary::coordinator
