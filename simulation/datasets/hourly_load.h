// SPDX-License-Identifier: Apache-2.0
// Hourly series, one file a zone, as windows of past hours with the next one:
// the PJM grid as R. Mulla collected it. Rows are sorted; an hour that stands
// there twice (clocks go back) counts as the mean of both; a window with a
// missing hour is left out.
#pragma once

#include "absl/status/statusor.h"
#include "simulation/datasets/examples.h"

namespace tributary::datasets {

// `source` has its defaults.
absl::StatusOr<Examples> Read(const v1::DataSource::HourlyLoad& source);

}  // namespace tributary::datasets
