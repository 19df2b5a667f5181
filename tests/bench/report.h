// SPDX-License-Identifier: Apache-2.0
// What a benchmark found, as a table for people and JSON for machines.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tributary::bench {

struct Figure {
  std::string name;  // dotted and stable
  double value = 0;
  std::string unit;
  // What it should be at most; none: for comparison only.
  std::optional<double> limit;
  std::string note;
};

// The middle of the values.
double Median(std::vector<double> values);

bool IsOver(const Figure& figure);
// One line: which figures are over their limit.
std::string Verdict(const std::vector<Figure>& figures);
void PrintTable(const std::vector<Figure>& figures);
// Writes {"machine": ..., "figures": [...]}; figures of other programs that are
// in the file already stay. False if it cannot.
bool WriteJson(const std::string& file, const std::vector<Figure>& figures);

}  // namespace tributary::bench
