// SPDX-License-Identifier: Apache-2.0
// The coordinator's record of counted updates, read from its database.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace tributary::testing {

// One update that is in a released model.
struct CountedUpdate {
  int attempt = 0;
  std::string client;
  std::uint32_t weight = 0;
};
// By round, sorted by client. Released rounds only.
using CountedByRound = std::map<int, std::vector<CountedUpdate>>;

CountedByRound CountedUpdates(const std::filesystem::path& database,
                              const std::string& run);

// Checks that rounds 1..rounds each hold `cohort_size` different clients of one
// attempt: no gap and no double.
void CheckNoGapAndNoDouble(const CountedByRound& counted, int rounds,
                           int cohort_size);

}  // namespace tributary::testing
