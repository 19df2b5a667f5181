// SPDX-License-Identifier: Apache-2.0
// A partition's skew as files of a results folder:
//
//   partition.txt  a summary, then who holds what
//   partition.svg  the same as a picture
#pragma once

#include <filesystem>

#include "absl/status/status.h"
#include "simulation/population.h"
#include "simulation/skew.h"

namespace tributary::simulation {

// The population outlives it.
Skew SkewOf(const Population& population);

// Errors name the file.
absl::Status WriteSkew(const Skew& skew, const std::filesystem::path& folder);

}  // namespace tributary::simulation
