// SPDX-License-Identifier: Apache-2.0
// Rows of cells, the first one the headings: for pages and for terminals. Pure.
#pragma once

#include <string>
#include <vector>

namespace tributary::simulation {

using Table = std::vector<std::vector<std::string>>;

// "0.96", "12 %", "3.5 MiB", "-" for nothing: set to the right.
bool IsNumberCell(const std::string& cell);

// For a terminal: columns aligned, lines without spaces at their ends.
std::string FormatTable(const Table& table);

}  // namespace tributary::simulation
