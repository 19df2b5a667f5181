// SPDX-License-Identifier: Apache-2.0
// tributary-simulate partition PLAN --out FOLDER: each virtual client's
// examples as a file for a real client.
#pragma once

#include <filesystem>
#include <ostream>

#include "absl/status/status.h"
#include "simulation/commands/plan_source.h"
#include "simulation/results.h"

namespace tributary::simulation {

struct PartitionOptions {
  PlanSource plan;
  std::filesystem::path out;
  ExistingFiles existing = ExistingFiles::kRefuse;
};

// Writes the files, and who holds what to `report`. Errors name the file, the
// key or the option.
absl::Status WritePartition(const PartitionOptions& options,
                            std::ostream& report);

}  // namespace tributary::simulation
