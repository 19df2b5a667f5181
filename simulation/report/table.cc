// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/table.h"

#include <algorithm>
#include <cctype>

namespace tributary::simulation {
namespace {

// Characters a terminal shows, one column each.
std::size_t WidthOf(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

bool IsNumberCell(const std::string& cell) {
  const auto is_digit = [&](std::size_t at) {
    return at < cell.size() &&
           std::isdigit(static_cast<unsigned char>(cell[at])) != 0;
  };
  return cell == "-" || is_digit(0) || (cell.starts_with("-") && is_digit(1));
}

std::string FormatTable(const Table& table) {
  std::vector<std::size_t> widths;
  for (const auto& row : table) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], WidthOf(row[c]));
    }
  }
  std::string text;
  for (const auto& row : table) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string space(widths[c] - WidthOf(row[c]), ' ');
      if (c > 0) line += "  ";
      line += IsNumberCell(row[c]) ? space + row[c] : row[c] + space;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

}  // namespace tributary::simulation
