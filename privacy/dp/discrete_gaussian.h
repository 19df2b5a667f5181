// SPDX-License-Identifier: Apache-2.0
// Integers x with probability proportional to e^(-x^2 / 2 variance), exactly:
// Canonne, Kamath, Steinke 2020, algorithms 1 to 3, in integers throughout.
// Immutable; any thread with a source of its own. How many bits a draw takes
// depends on the value drawn, as in the paper.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "privacy/crypto/random.h"

namespace tributary::dp {

class DiscreteGaussian {
 public:
  // The parameter sigma^2, 1 to 2^50, in grid points squared. (The variance of
  // the draws is below it by less than 3e-7 of it.)
  static absl::StatusOr<DiscreteGaussian> WithVariance(std::uint64_t variance);

  // About 100 bytes of `random` on average: give it a BufferedRandom over
  // SystemRandom where the noise must protect somebody.
  std::int64_t Sample(RandomSource& random) const;

 private:
  explicit DiscreteGaussian(std::uint64_t variance);

  std::int64_t Laplace(RandomSource& random) const;

  std::uint64_t variance_;
  std::uint64_t scale_;  // t = floor(sigma) + 1
};

}  // namespace tributary::dp
