// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/spend.h"

#include <sqlite3.h>

#include <algorithm>
#include <iterator>

#include "tests/catch.h"

namespace tributary::testing {
namespace {

Releases Read(sqlite3* connection, const char* sql, const std::string& run) {
  sqlite3_stmt* query = nullptr;
  REQUIRE(sqlite3_prepare_v2(connection, sql, -1, &query, nullptr) ==
          SQLITE_OK);
  sqlite3_bind_text(query, 1, run.c_str(), -1, SQLITE_TRANSIENT);
  Releases releases;
  while (sqlite3_step(query) == SQLITE_ROW) {
    releases.emplace(sqlite3_column_int(query, 0),
                     sqlite3_column_int(query, 1));
  }
  sqlite3_finalize(query);
  return releases;
}

}  // namespace

Releases Spend::Unreleased() const {
  Releases unreleased;
  std::set_difference(charged.begin(), charged.end(), released.begin(),
                      released.end(),
                      std::inserter(unreleased, unreleased.end()));
  return unreleased;
}

Spend ReadSpend(const std::filesystem::path& database, const std::string& run) {
  sqlite3* connection = nullptr;
  REQUIRE(sqlite3_open_v2(database.c_str(), &connection, SQLITE_OPEN_READWRITE,
                          nullptr) == SQLITE_OK);
  sqlite3_busy_timeout(connection, 1'000);
  // What a killed process left behind is for its successor to put right.
  sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  Spend spend;
  // Models first: one that is released meanwhile was charged before.
  spend.released =
      Read(connection, "SELECT round, attempts FROM rounds WHERE run = ?", run);
  spend.charged =
      Read(connection, "SELECT round, attempt FROM ledger WHERE run = ?", run);
  sqlite3_close(connection);
  return spend;
}

}  // namespace tributary::testing
