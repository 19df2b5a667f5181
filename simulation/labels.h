// SPDX-License-Identifier: Apache-2.0
// Targets as classes. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary::simulation {

// The classes that occur, and which of them each example has. A value.
struct Labels {
  std::vector<int> classes;       // increasing
  std::vector<std::uint16_t> of;  // index into `classes`, for each example
};

// InvalidArgument, naming the first example that has none, if a target is no
// class: an integer in 0 .. 65,535.
absl::StatusOr<Labels> FindLabels(std::span<const float> targets);

}  // namespace tributary::simulation
