// SPDX-License-Identifier: Apache-2.0
// report.html of a results folder: curves over rounds and over virtual time,
// who holds what, traffic, time, who took part, the declared exceptions and the
// effective plan. What the run's record does not hold is left out. Pure.
#pragma once

#include <string>

#include "simulation/report/run_record.h"

namespace tributary::simulation {

// The whole page, one self-contained HTML file.
std::string MakeReport(const RunRecord& run);

}  // namespace tributary::simulation
