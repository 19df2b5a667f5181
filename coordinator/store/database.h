// SPDX-License-Identifier: Apache-2.0
// SQLite, as thin as it gets: a connection and prepared statements that keep
// their first error until it is asked for.
//
// Threads: a connection and its statements belong to one thread at a time.
// Failure: a full disk is ResourceExhausted, a damaged file DataLoss, a broken
// constraint AlreadyExists, anything else Unavailable.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tributary::store {

class Database;

// One execution of a prepared statement; resets it when it dies.
class Query {
 public:
  Query(Database& database, std::string_view sql);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // Binds the next parameter.
  Query& Bind(std::int64_t value);
  Query& Bind(double value);
  Query& Bind(std::string_view text);
  Query& BindBlob(std::string_view bytes);
  Query& BindNull();

  // Moves to the next row. False at the end and on an error: ask status().
  bool Next();
  // Runs a statement that has no rows.
  absl::Status Run();
  const absl::Status& status() const { return status_; }

  // Columns of the row, from 0.
  std::int64_t Integer(int column) const;
  double Real(int column) const;
  std::string Bytes(int column) const;
  bool IsNull(int column) const;

 private:
  void Check(int code);

  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  absl::Status status_;
};

class Database {
 public:
  // Opens or creates the file in WAL mode, each commit synced.
  static absl::StatusOr<std::unique_ptr<Database>> Open(
      const std::filesystem::path& file);
  ~Database();

  // Runs statements without parameters or rows.
  absl::Status Execute(const std::string& sql);

 private:
  friend class Query;
  struct Statements;
  Database(sqlite3* connection, std::filesystem::path file);
  absl::Status Error(int code) const;

  sqlite3* connection_;
  std::filesystem::path file_;
  std::unique_ptr<Statements> statements_;
};

}  // namespace tributary::store
