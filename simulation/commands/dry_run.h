// SPDX-License-Identifier: Apache-2.0
// --dry-run: what a run or a sweep costs, before it starts.
#pragma once

#include <ostream>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "simulation/commands/plan_source.h"
#include "simulation/commands/sweep.h"
#include "simulation/cost.h"

namespace tributary::simulation {

// Reads the plan's data, trains a few clients and says what the run would cost.
// Writes no file. Errors name the file and the key.
absl::Status WriteCost(const PlanSource& source, std::ostream& out);

// The same for every run of a sweep that is not finished yet: a line each, and
// their sum.
absl::Status WriteSweepCost(const SweepOptions& options, std::ostream& out);

}  // namespace tributary::simulation
