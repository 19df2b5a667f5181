// SPDX-License-Identifier: Apache-2.0
#include "coordinator/store/database.h"

#include <sqlite3.h>

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::store {

// Prepared once per text: the journal repeats a handful of statements.
struct Database::Statements {
  std::map<std::string, sqlite3_stmt*, std::less<>> by_text;
};

Database::Database(sqlite3* connection, std::filesystem::path file)
    : connection_(connection),
      file_(std::move(file)),
      statements_(std::make_unique<Statements>()) {}

Database::~Database() {
  for (auto& [text, statement] : statements_->by_text) {
    sqlite3_finalize(statement);
  }
  sqlite3_close(connection_);
}

absl::Status Database::Error(int code) const {
  const std::string message =
      absl::StrCat(file_.string(), ": ", sqlite3_errmsg(connection_), " (",
                   sqlite3_errstr(sqlite3_extended_errcode(connection_)), ")");
  switch (code & 0xff) {
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(message);
    case SQLITE_CONSTRAINT:
      return absl::AlreadyExistsError(message);
    default:
      return absl::UnavailableError(message);
  }
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(
    const std::filesystem::path& file) {
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(
      file.c_str(), &connection,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
      nullptr);
  std::unique_ptr<Database> database(new Database(connection, file));
  if (code != SQLITE_OK) return database->Error(code);
  absl::Status status = database->Execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
      "PRAGMA foreign_keys = ON;");
  if (!status.ok()) return status;
  return database;
}

absl::Status Database::Execute(const std::string& sql) {
  const int code =
      sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error(code);
}

Query::Query(Database& database, std::string_view sql) : database_(database) {
  auto& known = database.statements_->by_text;
  const auto found = known.find(sql);
  if (found != known.end()) {
    statement_ = found->second;
    return;
  }
  Check(sqlite3_prepare_v3(database.connection_, sql.data(),
                           static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement_, nullptr));
  if (status_.ok()) known.emplace(std::string(sql), statement_);
}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Query::Check(int code) {
  if (status_.ok() && code != SQLITE_OK) status_ = database_.Error(code);
}

Query& Query::Bind(std::int64_t value) {
  if (status_.ok()) Check(sqlite3_bind_int64(statement_, ++bound_, value));
  return *this;
}
Query& Query::Bind(double value) {
  if (status_.ok()) Check(sqlite3_bind_double(statement_, ++bound_, value));
  return *this;
}
Query& Query::Bind(std::string_view text) {
  if (status_.ok()) {
    Check(sqlite3_bind_text(statement_, ++bound_, text.data(),
                            static_cast<int>(text.size()), SQLITE_TRANSIENT));
  }
  return *this;
}
Query& Query::BindBlob(std::string_view bytes) {
  if (status_.ok()) {
    // A null pointer would bind NULL rather than an empty blob.
    Check(sqlite3_bind_blob(statement_, ++bound_,
                            bytes.empty() ? "" : bytes.data(),
                            static_cast<int>(bytes.size()), SQLITE_TRANSIENT));
  }
  return *this;
}

Query& Query::BindNull() {
  if (status_.ok()) Check(sqlite3_bind_null(statement_, ++bound_));
  return *this;
}

bool Query::Next() {
  if (!status_.ok()) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) Check(code);
  return false;
}

absl::Status Query::Run() {
  while (Next()) {
  }
  return status_;
}

std::int64_t Query::Integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}
double Query::Real(int column) const {
  return sqlite3_column_double(statement_, column);
}
std::string Query::Bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (data == nullptr) return {};
  return std::string(static_cast<const char*>(data),
                     static_cast<std::size_t>(size));
}
bool Query::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

}  // namespace tributary::store
