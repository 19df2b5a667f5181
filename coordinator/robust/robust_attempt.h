// SPDX-License-Identifier: Apache-2.0
// How an attempt ends under a robust rule, wherever its updates are: its sum,
// and whose updates were outliers.
//
// Pure: the same attempt, updates and center give the same bits, whatever the
// execution. Bucketing draws from a stream of the run, the round and the
// attempt.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/encoding.h"
#include "aggregation/exact_sum.h"
#include "aggregation/robust/execution.h"
#include "aggregation/robust/recipe.h"
#include "aggregation/robust/updates.h"
#include "coordinator/round/types.h"
#include "privacy/crypto/random.h"

namespace tributary::coordinator {

struct RobustAttempt {
  const robust::Recipe& recipe;
  // The part of the mean weight below which an update is an outlier.
  double outlier_weight = 0;
  const Key& run_key;
  int round = 0;
  int attempt = 0;
};

// As RobustInputs, which says more.
struct AttemptUpdates {
  robust::Updates& updates;
  std::span<const round::ClientId> clients;  // by row, sorted
  const aggregation::Layout& layout;
  std::span<const float> center = {};
};

struct RobustResult {
  aggregation::ExactSum sum;
  // Whose updates the rule all but left out, sorted; nothing if it does not
  // tell.
  std::optional<std::vector<round::ClientId>> outliers;
};

// InvalidArgument if the updates are too few for the recipe; else errors are
// those of reading.
absl::StatusOr<RobustResult> EndAttempt(const RobustAttempt& attempt,
                                        const AttemptUpdates& updates,
                                        const robust::Execution& execution);

}  // namespace tributary::coordinator
