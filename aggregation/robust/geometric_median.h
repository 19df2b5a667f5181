// SPDX-License-Identifier: Apache-2.0
// The geometric median by smoothed Weiszfeld iterations (RFA).
//
//   z_0 = mean of x ;  b_i = 1 / max(nu, |x_i - z|) ;  z <- sum b_i x_i / sum b
//
// Pillutla, Kakade, Harchaoui 2022, "Robust Aggregation for Federated
// Learning", algorithm 2. Withstands fewer than half of the updates.
//
// Pure. iterations + 1 passes: each takes z from the weights and the distances
// to it from the same block, so that no z is kept.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregation/robust/execution.h"
#include "aggregation/robust/updates.h"

namespace tributary::robust {

struct GeometricMedian {
  // Raise it where adversaries may be far off: the first z is the plain mean.
  std::uint32_t iterations = 3;  // R, 1 .. 1000
  // Below it a distance counts as this; in units of the update.
  double smoothing = 1e-6;  // nu, over 0
};

absl::Status Validate(const GeometricMedian& rule, std::uint64_t updates);

// What each update counts for in z after the last iteration; 1 together.
absl::StatusOr<std::vector<double>> WeightsOf(const GeometricMedian& rule,
                                              Updates& updates,
                                              const Execution& execution);

}  // namespace tributary::robust
