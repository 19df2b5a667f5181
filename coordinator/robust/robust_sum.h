// SPDX-License-Identifier: Apache-2.0
// What a robust rule makes of a round's updates, as the sum that
// aggregation::Release takes: release stays the only road from sum to model.
//
//   parameters    the plan's pre-steps and rule
//   buffers       the median of each coordinate; under rule `mean` the mean
//
// Pre-steps and most rules compare whole updates by their length, and buffers
// (BatchNorm statistics) are in units of their own: they would drown the
// parameters, or be clipped with them.
//
// The result is rounded onto the plan's grids: it is within half a grid step of
// the rule's, in each coordinate. Weights that clients declare do not count.
//
// Pure: the same updates, recipe, center and words give the same bits, whatever
// the execution. docs/robustness.md.
#pragma once

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/encoding.h"
#include "aggregation/exact_sum.h"
#include "aggregation/robust/execution.h"
#include "aggregation/robust/recipe.h"
#include "aggregation/robust/updates.h"

namespace tributary::coordinator {

struct RobustSum {
  // One contribution of weight 1, whose mean is the rule's result.
  aggregation::ExactSum sum;
  // robust::Outcome::weights: what each update's parameters counted for, by
  // row; empty where the rule looks at each coordinate apart.
  std::vector<double> weights;
};

struct RobustInputs {
  // Rows as long as the layout, which has no auxiliary part. Their values are
  // within its bounds.
  robust::Updates& updates;
  const aggregation::Layout& layout;
  // What the rule gave in the last released round, zeros in the first: as long
  // as the trainable part. Empty unless NeedsCenter.
  std::span<const float> center = {};
  // For bucketing; of a keyed stream of the run, the round and the attempt.
  aggregation::Words words = {};
};

// Whether the recipe's rule begins where the last one ended. A run of it keeps
// that vector with the server optimizer's (aggregation::KeptMean).
bool NeedsCenter(const robust::Recipe& recipe);

// InvalidArgument if the updates are too few for the recipe; else errors are
// those of reading.
absl::StatusOr<RobustSum> SumRobustly(const robust::Recipe& recipe,
                                      const RobustInputs& inputs,
                                      const robust::Execution& execution);

}  // namespace tributary::coordinator
