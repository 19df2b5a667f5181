// SPDX-License-Identifier: Apache-2.0
// Krum and multi-Krum: the update, or the mean of the m, that stand closest to
// their neighbours.
//
//   score(i) = sum of the n - f - 2 smallest |x_i - x_j|^2, j != i
//   Krum: the x_i of the lowest score; multi-Krum: the mean of the m lowest
//
// Blanchard et al. 2017, "Machine Learning with Adversaries: Byzantine Tolerant
// Gradient Descent", section 4. Of equal scores the earlier row.
//
// Pure. Two passes, the second over the m updates alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "aggregation/robust/distances.h"

namespace tributary::robust {

struct Krum {
  std::uint32_t adversaries = 0;  // f; n > 2f + 2
  std::uint32_t selected = 1;     // m; 1 .. n - f
};

// InvalidArgument naming what is wrong with f or m for so many updates.
absl::Status Validate(const Krum& rule, std::uint64_t updates);

// A score for each update. n > f + 2.
std::vector<double> KrumScores(const Distances& distances,
                               std::uint32_t adversaries);
// The m rows of the lowest scores, lowest first.
std::vector<std::size_t> SelectByKrum(const Krum& rule,
                                      const Distances& distances);

}  // namespace tributary::robust
