// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/accounted_kinds.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace tributary::simulation {
namespace {

std::string Bare(absl::string_view cell) {
  cell = absl::StripAsciiWhitespace(cell);
  absl::ConsumePrefix(&cell, "`");
  absl::ConsumeSuffix(&cell, "`");
  return std::string(cell);
}

std::vector<std::string> CellsOf(const std::string& row) {
  std::vector<std::string> cells;
  for (const absl::string_view cell : absl::StrSplit(row, '|')) {
    cells.push_back(Bare(cell));
  }
  // What stands before the first bar and after the last.
  if (cells.size() != 6) throw std::invalid_argument("a row like " + row);
  return {cells.begin() + 1, cells.end() - 1};
}

}  // namespace

std::map<AccountedKind, std::string> ReadAccountedKinds(
    const std::string& page) {
  std::ifstream in(page);
  std::string line;
  while (std::getline(in, line) && !line.starts_with("Who accounts for what")) {
  }
  while (std::getline(in, line) && !line.starts_with("|")) {
  }
  const std::vector<std::string> head = {"noise", "sampling",
                                         "add_or_remove_one", "replace_one"};
  if (!in || CellsOf(line) != head) {
    throw std::invalid_argument(page + ": no table of who accounts for what");
  }
  std::map<AccountedKind, std::string> kinds;
  std::getline(in, line);  // the rule below the head
  while (std::getline(in, line) && line.starts_with("|")) {
    const auto cells = CellsOf(line);
    for (const std::string& sampling : kSamplings) {
      const bool is_rest = cells[1] == "any other" &&
                           !kinds.contains({cells[0], sampling, head[2]});
      if (cells[1] != sampling && !is_rest) continue;
      for (const std::size_t column : {2u, 3u}) {
        if (!kinds
                 .try_emplace({cells[0], sampling, head[column]}, cells[column])
                 .second) {
          throw std::invalid_argument(page + ": twice: " + line);
        }
      }
    }
  }
  if (kinds.size() != kNoises.size() * kSamplings.size() * kNeighbours.size()) {
    throw std::invalid_argument(page + ": a kind is left out, or too many");
  }
  return kinds;
}

}  // namespace tributary::simulation
