// SPDX-License-Identifier: Apache-2.0
// A plan's partition as files for real clients: client-0000.csv, ...,
// client-0000-test.csv, ... with what each keeps to judge models on, and
// test.csv. Lines of a CSV file are copied as they are, header and label column
// included, and IDX bytes become integers, label last: a client given the
// plan's scale (tributary-client --scale) then holds the bits that the virtual
// client holds. Every other source becomes the numbers that the virtual client
// holds, label last, which read back exactly and need no scale; so does any
// source if features are shifted, the test data too. Adversaries are for
// simulations alone: they get no file.
//
// Pure but for the files.
#pragma once

#include <filesystem>

#include "absl/status/status.h"
#include "simulation/population.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

// Errors name the file. A client without examples gets no file.
absl::Status ExportPartition(const v1::SimulationPlan& plan,
                             const Population& population,
                             const std::filesystem::path& folder);

}  // namespace tributary::simulation
