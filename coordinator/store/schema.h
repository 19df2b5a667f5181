// SPDX-License-Identifier: Apache-2.0
// The tables, as a list of migrations: entry i brings a database of version i
// to version i + 1 (SQLite's user_version). Entries are never changed, only
// added.
#pragma once

#include <span>

#include "absl/status/status.h"
#include "coordinator/store/database.h"

namespace tributary::store {

std::span<const char* const> Migrations();

// Brings the database to the newest version, one transaction a migration.
// FailedPrecondition if it was written by a newer program.
absl::Status Migrate(Database& database);

}  // namespace tributary::store
