// SPDX-License-Identifier: Apache-2.0
// A plan's partition as files for real clients: client-0000.csv, ... and
// test.csv. Values are not scaled: a client given the plan's scale
// (tributary-client --scale) then holds the bits that the virtual client holds.
// Lines of a CSV source are copied as they are, header and label column
// included; an IDX source becomes numbers that read back exactly, label last.
//
// Pure but for the files.
#pragma once

#include <filesystem>

#include "absl/status/status.h"
#include "simulation/partition.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

// Errors name the file. A client without examples gets no file.
absl::Status ExportPartition(const v1::SimulationPlan& plan,
                             const Partition& partition,
                             const std::filesystem::path& folder);

}  // namespace tributary::simulation
