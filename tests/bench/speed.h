// SPDX-License-Identifier: Apache-2.0
// How fast simulated clients train, beside a bare FedAvg loop in PyTorch on the
// same core in the same minutes.
#pragma once

#include <filesystem>
#include <vector>

#include "tests/bench/report.h"

namespace tributary::bench {

// `programs` holds tributary-bench-updates. Needs Debian's python3-torch.
std::vector<Figure> MeasureSpeed(const std::filesystem::path& programs,
                                 int repetitions);

}  // namespace tributary::bench
