// SPDX-License-Identifier: Apache-2.0
// What robust rules over updates in the spool take: memory, pages of files
// included, and time beside what reading and selecting alone take.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "tests/bench/report.h"

namespace tributary::bench {

// `programs` holds tributary-bench-robust. Needs 6.7 MB of disk an update, in
// the folder for temporary files, while it runs.
std::vector<Figure> MeasureRobust(const std::filesystem::path& programs,
                                  std::size_t updates);

}  // namespace tributary::bench
