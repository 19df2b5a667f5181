// SPDX-License-Identifier: Apache-2.0
// Rows of CSV files, or windows of them. Errors name the file, the line and the
// column.
#pragma once

#include "absl/status/statusor.h"
#include "simulation/datasets/examples.h"

namespace tributary::datasets {

// `source` has its defaults.
absl::StatusOr<Examples> Read(const v1::DataSource::Csv& source);

}  // namespace tributary::datasets
