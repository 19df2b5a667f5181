// SPDX-License-Identifier: Apache-2.0
#include "simulation/attacks/honest_moments.h"

#include <cmath>

#include "aggregation/invariant.h"

namespace tributary::attacks {

HonestMoments::HonestMoments(std::size_t length)
    : mean_(length), squares_(length) {}

// Welford 1962: no difference of large sums.
void HonestMoments::Add(std::span<const float> update) {
  TRIBUTARY_INVARIANT(update.size(), ==, mean_.size());
  ++count_;
  const auto count = static_cast<double>(count_);
  for (std::size_t i = 0; i < mean_.size(); ++i) {
    const double before = update[i] - mean_[i];
    mean_[i] += before / count;
    squares_[i] += before * (update[i] - mean_[i]);
  }
}

std::vector<double> HonestMoments::Deviations(Spread spread) const {
  const std::size_t left_out = spread == Spread::kSample ? 1 : 0;
  TRIBUTARY_INVARIANT(count_, >, left_out);
  std::vector<double> deviations(mean_.size());
  for (std::size_t i = 0; i < deviations.size(); ++i) {
    deviations[i] =
        std::sqrt(squares_[i] / static_cast<double>(count_ - left_out));
  }
  return deviations;
}

}  // namespace tributary::attacks
