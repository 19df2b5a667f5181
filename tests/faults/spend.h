// SPDX-License-Identifier: Apache-2.0
// What was released and what was charged for it, read from a coordinator's
// database, whether it runs or was just killed.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <utility>

namespace tributary::testing {

// A release: its round and attempt.
using Releases = std::set<std::pair<int, int>>;

struct Spend {
  Releases charged;   // in the ledger
  Releases released;  // models that clients and operators can have
  // Charged, and their model was not there yet.
  Releases Unreleased() const;
};

Spend ReadSpend(const std::filesystem::path& database, const std::string& run);

}  // namespace tributary::testing
