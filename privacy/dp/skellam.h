// SPDX-License-Identifier: Apache-2.0
// Skellam noise: the difference of two Poisson draws. Shares of it add up to
// Skellam noise again (Agarwal, Kairouz, Liu 2021). Immutable; any thread with
// a source of its own.
//
// The Poisson draws come from a table of integer weights: no floating point,
// not in its making either. A draw's distribution is within 2^-88 of Poisson's
// in total variation (2^-103 at variance 40,000): a release of d coordinates
// owes its delta 2 d (1 + e^epsilon) times that. Which entries of the table are
// read depends on the value drawn.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "privacy/crypto/random.h"
#include "privacy/dp/wide.h"

namespace tributary::dp {

class Skellam {
 public:
  // The variance, an even number from 2 to 2^31, in grid points squared: two
  // Poisson draws of half of it. The table takes about 400 bytes for each unit
  // of the standard deviation.
  static absl::StatusOr<Skellam> WithVariance(std::uint64_t variance);

  std::int64_t Sample(RandomSource& random) const;

 private:
  explicit Skellam(std::uint64_t mean);

  std::int64_t Poisson(RandomSource& random) const;

  // cumulative_[i]: the weights of the first i + 1 values.
  std::vector<Wide> cumulative_;
};

}  // namespace tributary::dp
