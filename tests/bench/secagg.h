// SPDX-License-Identifier: Apache-2.0
// What secure aggregation costs both sides, beside what generating the masks
// alone costs on the same core.
#pragma once

#include <filesystem>
#include <vector>

#include "tests/bench/report.h"

namespace tributary::bench {

// `programs` holds tributary-bench-secagg.
std::vector<Figure> MeasureSecureAggregation(
    const std::filesystem::path& programs, int repetitions);

}  // namespace tributary::bench
