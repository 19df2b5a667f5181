// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/terminal.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace tributary::ctl {
namespace {

// Columns a UTF-8 text takes, near enough: its code points.
std::size_t Width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(),
      [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string Padded(const std::string& text, std::size_t width, Align align) {
  const std::size_t used = Width(text);
  const std::string space(width > used ? width - used : 0, ' ');
  return align == Align::kLeft ? text + space : space + text;
}

}  // namespace

std::string Shown(const std::string& text) {
  std::string out = text;
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  // The control characters above ASCII take two bytes: 0xc2, 0x80 .. 0x9f.
  for (std::size_t i = 0; i + 1 < out.size(); ++i) {
    const auto next = static_cast<unsigned char>(out[i + 1]);
    if (static_cast<unsigned char>(out[i]) == 0xc2 && next >= 0x80 &&
        next <= 0x9f) {
      out.replace(i, 2, "?");
    }
  }
  return out;
}

std::vector<std::string> Table::Lines(Style style) const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(Width(column.title));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], Width(Shown(row[i])));
    }
  }
  const auto line = [&](const auto& cell) {
    std::string text;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) text += "  ";
      text += Padded(Shown(cell(i)), widths[i], columns_[i].align);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  };
  std::vector<std::string> lines;
  std::string head = line([&](std::size_t i) { return columns_[i].title; });
  if (style == Style::kTerminal) head = "\x1b[1m" + head + "\x1b[0m";
  lines.push_back(std::move(head));
  for (const auto& row : rows_) {
    lines.push_back(line([&](std::size_t i) { return row[i]; }));
  }
  return lines;
}

void Table::Print(std::ostream& out, Style style) const {
  for (const std::string& line : Lines(style)) out << line << "\n";
}

std::string Bar(std::uint64_t done, std::uint64_t all, std::size_t width) {
  const double part =
      all == 0
          ? 0
          : std::min(1.0, static_cast<double>(done) / static_cast<double>(all));
  const auto filled =
      static_cast<std::size_t>(part * static_cast<double>(width));
  return "[" + std::string(filled, '#') + std::string(width - filled, '-') +
         "]";
}

std::string Decimal(double value) {
  if (!std::isfinite(value)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

std::string Short(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

}  // namespace tributary::ctl
