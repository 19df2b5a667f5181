// SPDX-License-Identifier: Apache-2.0
// tributary-simulate compare RUN...: results folders side by side.
#pragma once

#include <filesystem>
#include <optional>
#include <ostream>
#include <vector>

#include "absl/status/status.h"
#include "simulation/report/comparison.h"

namespace tributary::simulation {

struct CompareOptions {
  std::vector<std::filesystem::path> runs;
  ComparisonOptions comparison;
  // Rounds that others took (simulation/report/published.h): beside these the
  // runs are shown on `out`, instead of beside each other.
  std::optional<std::filesystem::path> published;
  // The page to write.
  std::filesystem::path out = "compare.html";
};

// Writes the tables to `out` and the page to its file. Errors name the file or
// the option.
absl::Status CompareFolders(const CompareOptions& options, std::ostream& out);

}  // namespace tributary::simulation
