// SPDX-License-Identifier: Apache-2.0
// What the last model of a run must be, given who was counted in each round:
// the counted clients are trained again, one after the other, and their updates
// added with the arithmetic of aggregation/ alone. No engine, no coordinator.
#pragma once

#include <filesystem>
#include <string>

#include "tests/faults/counted_updates.h"

namespace tributary::testing {

struct OracleInput {
  std::filesystem::path plan;
  std::filesystem::path first_weights;  // safetensors
  // Holds <client>.csv for every counted client.
  std::filesystem::path data;
  // What the clients multiply their features by.
  double scale = 1;
  CountedByRound counted;
};

// The bytes of the last model's file. Encodings without error feedback only: a
// residual would depend on updates that were not counted.
std::string OracleModel(const OracleInput& input);

}  // namespace tributary::testing
