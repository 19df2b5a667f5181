// SPDX-License-Identifier: Apache-2.0
// What integer noise and its accounting cost, on one core.
#pragma once

#include <vector>

#include "tests/bench/report.h"

namespace tributary::bench {

std::vector<Figure> MeasurePrivacy(int repetitions);

}  // namespace tributary::bench
