// SPDX-License-Identifier: Apache-2.0
// Tables and bars for people. Texts of others are shown without their control
// characters: a name must not move the cursor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace tributary::ctl {

// kTerminal may use bold and move the cursor; kPlain is for files and pipes.
enum class Style { kPlain, kTerminal };
enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // As many cells as columns.
  void Add(std::vector<std::string> cells) {
    rows_.push_back(std::move(cells));
  }
  // Columns as wide as their widest cell, two spaces apart.
  std::vector<std::string> Lines(Style style) const;
  void Print(std::ostream& out, Style style) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Control characters as '?'.
std::string Shown(const std::string& text);
// "[######----]" of `width` characters between the brackets.
std::string Bar(std::uint64_t done, std::uint64_t all, std::size_t width);
// Four digits after the point, or "-" if it is not finite.
std::string Decimal(double value);
// Four significant digits: 1e-06, 0.04, 17.61.
std::string Short(double value);

}  // namespace tributary::ctl
