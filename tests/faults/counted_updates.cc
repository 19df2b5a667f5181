// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/counted_updates.h"

#include <sqlite3.h>

#include <set>

#include "tests/catch.h"

namespace tributary::testing {

CountedByRound CountedUpdates(const std::filesystem::path& database,
                              const std::string& run) {
  sqlite3* connection = nullptr;
  REQUIRE(sqlite3_open_v2(database.c_str(), &connection, SQLITE_OPEN_READONLY,
                          nullptr) == SQLITE_OK);
  sqlite3_stmt* query = nullptr;
  REQUIRE(sqlite3_prepare_v2(
              connection,
              "SELECT round, attempt, client, weight FROM updates"
              " WHERE run = ? AND state = 'committed' ORDER BY round, client",
              -1, &query, nullptr) == SQLITE_OK);
  sqlite3_bind_text(query, 1, run.c_str(), -1, SQLITE_TRANSIENT);
  CountedByRound counted;
  while (sqlite3_step(query) == SQLITE_ROW) {
    counted[sqlite3_column_int(query, 0)].push_back(
        {.attempt = sqlite3_column_int(query, 1),
         .client = reinterpret_cast<const char*>(sqlite3_column_text(query, 2)),
         .weight = static_cast<std::uint32_t>(sqlite3_column_int64(query, 3))});
  }
  sqlite3_finalize(query);
  sqlite3_close(connection);
  return counted;
}

void CheckNoGapAndNoDouble(const CountedByRound& counted, int rounds,
                           int cohort_size) {
  REQUIRE(counted.size() == static_cast<std::size_t>(rounds));
  int expected = 1;
  for (const auto& [round, updates] : counted) {
    INFO("round " << round);
    CHECK(round == expected++);
    std::set<std::string> clients;
    std::set<int> attempts;
    for (const auto& update : updates) {
      clients.insert(update.client);
      attempts.insert(update.attempt);
    }
    CHECK(updates.size() == static_cast<std::size_t>(cohort_size));
    CHECK(clients.size() == updates.size());
    CHECK(attempts.size() == 1);
  }
}

}  // namespace tributary::testing
