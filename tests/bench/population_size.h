// SPDX-License-Identifier: Apache-2.0
// What a large simulated population costs in memory.
#pragma once

#include <filesystem>
#include <vector>

#include "tests/bench/report.h"

namespace tributary::bench {

// `programs` holds tributary-bench-population.
std::vector<Figure> MeasurePopulation(const std::filesystem::path& programs);

}  // namespace tributary::bench
