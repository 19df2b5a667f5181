// SPDX-License-Identifier: Apache-2.0
// The one door to all rules: a recipe and the updates of a round in, the vector
// that takes the place of their mean out.
//
// Memory: a block of all updates (pre-steps hold theirs within its bytes), n^2
// numbers for what chooses by distances, and the vectors of the caller. Passes
// over the updates: 1 for median and trimmed mean, 2 for Krum, Bulyan and
// FLTrust, 1 for the mean, iterations + 1 for the geometric median and centered
// clipping; and 1 more for each norm bound and each mixing before.
//
// Pure: the same rows, recipe and words give the same bits, whatever the
// execution.
#pragma once

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/encoding.h"
#include "aggregation/robust/execution.h"
#include "aggregation/robust/recipe.h"
#include "aggregation/robust/updates.h"

namespace tributary::robust {

struct Inputs {
  Updates& updates;
  // As long as the updates. Centered clipping: where it begins. FLTrust: the
  // root update. Otherwise empty.
  std::span<const float> reference = {};
  // Bucketing draws from it; otherwise it may be empty.
  aggregation::Words words = {};
};

struct Outcome {
  // What each update counted for: its weight, where the result is a weighted
  // sum of updates (and of the center); 1 / theta or 0 for those that Bulyan
  // chose or not; empty for median and trimmed mean, which look at each
  // coordinate apart. An update far below 1 / n is an outlier to the rule.
  std::vector<double> weights;
};

// Writes the result to `out`, as long as the updates and apart from
// `reference`. InvalidArgument if Validate(recipe, n) says so, or the reference
// has another length than the rule needs; else errors are those of reading, and
// `out` is then of no use.
absl::StatusOr<Outcome> Aggregate(const Recipe& recipe, const Inputs& inputs,
                                  const Execution& execution,
                                  std::span<float> out);

}  // namespace tributary::robust
