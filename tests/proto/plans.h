// SPDX-License-Identifier: Apache-2.0
// A small plan that is right, and errors as a set of lines.
#pragma once

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace tributary::codec {

inline const std::string kGoodPlan =
    "name: digits\n"            // 1
    "population: gateways\n"    // 2
    "model:\n"                  // 3
    "  architecture:\n"         // 4
    "    mlp:\n"                // 5
    "      inputs: 64\n"        // 6
    "      hidden: [32, 16]\n"  // 7
    "      outputs: 10\n"       // 8
    "round:\n"                  // 9
    "  cohort_size: 10\n"       // 10
    "  deadline: 90s\n"         // 11
    "training:\n"               // 12
    "  epochs: 1\n"             // 13
    "  batch_size: 32\n"        // 14
    "  learning_rate: 0.05\n"   // 15
    "update:\n"                 // 16
    "  max_abs: 4\n"            // 17
    "  max_weight: 1000\n"      // 18
    "stop:\n"                   // 19
    "  rounds: 20\n";           // 20

// The good plan with one of its lines changed.
inline std::string WithLine(const std::string& before,
                            const std::string& after) {
  std::string text = kGoodPlan;
  const auto at = text.find(before + "\n");
  if (at == std::string::npos) return "no such line: " + before;
  return text.replace(at, before.size(), after);
}

inline std::vector<std::string> Lines(const absl::Status& status) {
  std::vector<std::string> lines;
  std::istringstream stream{std::string(status.message())};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

inline bool Says(const absl::Status& status, const std::string& line) {
  const auto lines = Lines(status);
  return status.code() == absl::StatusCode::kInvalidArgument &&
         std::find(lines.begin(), lines.end(), line) != lines.end();
}

}  // namespace tributary::codec
