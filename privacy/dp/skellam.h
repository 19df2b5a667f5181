// SPDX-License-Identifier: Apache-2.0
// Skellam noise: the difference of two Poisson draws. Shares of it add up to
// Skellam noise again (Agarwal, Kairouz, Liu 2021). Immutable; any thread with
// a source of its own.
//
// The Poisson draws come from a table of integer weights: no floating point,
// not in its making either. A point of the table's sum is drawn, its high bits
// first; one draw in 2^40 or fewer needs the low ones. A draw's distribution is
// within 2^-88 of Poisson's in total variation (2^-103 at variance 40,000): a
// release of d coordinates owes its delta 2 d (1 + e^epsilon) times that. Which
// entries of the table are read depends on the value drawn.
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

  // The weights of the first i + 1 values add up to high_[i] 2^64 + low_[i].
  std::vector<std::uint64_t> high_;
  std::vector<std::uint64_t> low_;
  int unused_bits_ = 0;  // of a word, where a point's high bits are drawn
  // Among points whose high bits start with b, the first value is guide_[b] or
  // after, and guide_[b + 1] or before.
  std::vector<std::uint32_t> guide_;
};

}  // namespace tributary::dp
