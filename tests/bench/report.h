// SPDX-License-Identifier: Apache-2.0
// What a benchmark found, as a table for people and JSON for machines.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tributary::bench {

// Which side of its limit a figure should be on.
enum class Wanted { kAtMost, kAtLeast };

struct Figure {
  std::string name;  // dotted and stable
  double value = 0;
  std::string unit;
  // None: for comparison only.
  std::optional<double> limit;
  std::string note;
  Wanted wanted = Wanted::kAtMost;
};

// The middle of the values.
double Median(std::vector<double> values);

bool IsMissed(const Figure& figure);
// One line: which figures are on the wrong side of their limit.
std::string Verdict(const std::vector<Figure>& figures);
void PrintTable(const std::vector<Figure>& figures);
// Writes {"machine": ..., "figures": [...]}; figures of other programs that are
// in the file already stay. False if it cannot.
bool WriteJson(const std::string& file, const std::vector<Figure>& figures);

}  // namespace tributary::bench
