// SPDX-License-Identifier: Apache-2.0
// Run-to-failure records as windows with the remaining life, as those of
// C-MAPSS (Saxena, Goebel, Simon, Eklund 2008, "Damage Propagation Modeling for
// Aircraft Engine Run-to-Failure Simulation"). The cap on the target is that of
// Heimes 2008, "Recurrent Neural Networks for Remaining Useful Life
// Estimation".
#pragma once

#include "absl/status/statusor.h"
#include "simulation/datasets/examples.h"

namespace tributary::datasets {

// `source` has its defaults.
absl::StatusOr<Examples> Read(const v1::DataSource::EngineLife& source);

}  // namespace tributary::datasets
