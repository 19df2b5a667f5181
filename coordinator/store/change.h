// SPDX-License-Identifier: Apache-2.0
// What each change of records.h does to the database.
//
// Threads: those of the database.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "coordinator/store/database.h"
#include "coordinator/store/records.h"

namespace tributary::store {

// Inside the caller's transaction: a change that fails may have been made in
// part. Errors are those of the database.
absl::Status Apply(const Change& change, Database& database);

// XXH3-64, as the rows of snapshots have it.
std::int64_t ChecksumOf(std::string_view bytes);

}  // namespace tributary::store
