// SPDX-License-Identifier: Apache-2.0
// What a round does with its updates: pre-steps, in their order, and one rule.
// Norm bounding is NormBound and Mean. docs/robustness.md says what each
// tolerates. Pure.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "aggregation/robust/bulyan.h"
#include "aggregation/robust/centered_clipping.h"
#include "aggregation/robust/coordinate_wise.h"
#include "aggregation/robust/fltrust.h"
#include "aggregation/robust/geometric_median.h"
#include "aggregation/robust/krum.h"
#include "aggregation/robust/pre_step.h"

namespace tributary::robust {

// Of what the pre-steps give, each counting once. Tolerates nobody by itself;
// without pre-steps a round takes the exact sum (aggregation/exact_sum.h).
struct Mean {};

using Rule = std::variant<Mean, CoordinateMedian, TrimmedMean, Krum, Bulyan,
                          GeometricMedian, CenteredClipping, FlTrust>;

struct Recipe {
  std::vector<PreStep> pre_steps;
  Rule rule;
};

// Whether so many updates are enough for all of it, and its options are within
// their bounds. InvalidArgument names the key, what it takes and what there is;
// after bucketing the rule sees ceil(n / s) updates and as many adversaries.
absl::Status Validate(const Recipe& recipe, std::uint64_t updates);

}  // namespace tributary::robust
