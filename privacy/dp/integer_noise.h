// SPDX-License-Identifier: Apache-2.0
// Integer noise on integers: one independent draw on each. Nothing here is
// floating point but the variance asked for, which is rounded up. Any thread
// with a source of its own; give it a BufferedRandom over SystemRandom where
// the noise must protect somebody.
#pragma once

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "privacy/crypto/random.h"

namespace tributary::dp {

inline constexpr double kLargestGaussianVariance = 0x1p50;
inline constexpr double kLargestSkellamVariance = 0x1p31;

// Variances in grid points squared, up to the next whole number (Skellam: the
// next even one). Values must have room for the noise: 60 standard deviations
// are never reached. INVALID_ARGUMENT, and no value changed, if the variance
// is not above 0 and at most the limit above.
absl::Status AddDiscreteGaussianNoise(double variance,
                                      std::span<std::int64_t> values,
                                      RandomSource& random);
absl::Status AddSkellamNoise(double variance, std::span<std::int64_t> values,
                             RandomSource& random);

}  // namespace tributary::dp
