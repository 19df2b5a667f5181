// SPDX-License-Identifier: Apache-2.0
// The tables of reference values, where the checkout has them beside it.
#pragma once

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace tributary::dp {

// The rows of a CSV file without its heading; cells may be quoted.
inline std::optional<std::vector<std::vector<std::string>>> ReferenceRows(
    const std::string& name) {
  const auto file = std::filesystem::path(TRIBUTARY_SOURCE_DIR) /
                    "../shared/reference" / name;
  std::ifstream in(file);
  if (!in) {
    std::printf(
        "skipped: %s is not here; the known answers in this test are "
        "checked all the same\n",
        name.c_str());
    return std::nullopt;
  }
  std::vector<std::vector<std::string>> rows;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (const char letter : line) {
      if (letter == '"') {
        quoted = !quoted;
      } else if (letter == ',' && !quoted) {
        cells.emplace_back();
      } else if (letter != '\r') {
        cells.back() += letter;
      }
    }
    rows.push_back(std::move(cells));
  }
  return rows;
}

}  // namespace tributary::dp
