// SPDX-License-Identifier: Apache-2.0
// Examples from arrays of NumPy: .npy files, or the members of an .npz.
#pragma once

#include "absl/status/statusor.h"
#include "simulation/datasets/examples.h"

namespace tributary::datasets {

// `source` has its defaults.
absl::StatusOr<Examples> Read(const v1::DataSource::NumPy& source);
absl::StatusOr<Examples> Read(const v1::DataSource::NumPyArchive& source);

}  // namespace tributary::datasets
