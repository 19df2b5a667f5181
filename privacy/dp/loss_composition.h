// SPDX-License-Identifier: Apache-2.0
// Epsilon of many releases together: the losses of independent releases add
// up, so their distributions are convolved, by FFT. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>

#include "absl/status/statusor.h"
#include "privacy/dp/privacy_loss.h"

namespace tributary::dp {

struct RepeatedLoss {
  const PrivacyLoss* loss = nullptr;  // outlives the call
  std::int64_t count = 0;             // releases of this kind, > 0
};

// The smallest epsilon that the grid allows at 0 < delta < 1 for all releases
// together, in the worse of the two directions. All losses have one interval.
// Never below the exact epsilon but for rounding of about 1e-11 of delta: the
// distribution is tilted towards the losses that decide (exponential change of
// measure, the saddle point of Alghamdi et al. 2023, section III), so that the
// FFT's error is relative to them; what falls out of its window is added to
// delta.
// Infinite if delta is below the mass of infinite losses. OUT_OF_RANGE if the
// window would exceed 2^23 points: take a larger interval.
absl::StatusOr<double> ComposedEpsilon(std::span<const RepeatedLoss> losses,
                                       double delta);

}  // namespace tributary::dp
