// SPDX-License-Identifier: Apache-2.0
// IDX images and labels, those that are stored column by column turned round.
#pragma once

#include "absl/status/statusor.h"
#include "simulation/datasets/examples.h"

namespace tributary::datasets {

// `source` has its defaults.
absl::StatusOr<Examples> Read(const v1::DataSource::Idx& source);

}  // namespace tributary::datasets
