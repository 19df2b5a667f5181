// SPDX-License-Identifier: Apache-2.0
// Runs beside what others published: how many rounds each took to its plan's
// target, and how many the paper's took. Pure, but for ReadPublished, which
// reads one file.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "simulation/report/run_record.h"
#include "simulation/report/table.h"

namespace tributary::simulation {

// Rounds to the target, by the name of a run's folder.
using Published = std::map<std::string, double>;

// A CSV file: a first line "run,rounds", then a line for each run. Errors name
// the file, the line and what was expected there.
absl::StatusOr<Published> ReadPublished(const std::filesystem::path& file);

// A row for each run: its target, the rounds to it (best value so far,
// interpolated: target.h), the published ones and the former divided by the
// latter; "-" for what there is not. A run without stop.target has none.
Table PublishedTable(std::span<const RunRecord> runs,
                     const Published& published);

}  // namespace tributary::simulation
