// SPDX-License-Identifier: Apache-2.0
#include "coordinator/robust/robust_attempt.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregation/invariant.h"
#include "coordinator/robust/outliers.h"
#include "coordinator/robust/robust_sum.h"

namespace tributary::coordinator {

absl::StatusOr<RobustResult> EndAttempt(const RobustAttempt& attempt,
                                        const AttemptUpdates& updates,
                                        const robust::Execution& execution) {
  const std::span<const round::ClientId> clients = updates.clients;
  TRIBUTARY_INVARIANT(clients.size(), ==, updates.updates.count());
  KeyedStream buckets(attempt.run_key, absl::StrCat("bucketing/", attempt.round,
                                                    "/", attempt.attempt));
  absl::StatusOr<RobustSum> robust =
      SumRobustly(attempt.recipe,
                  {.updates = updates.updates,
                   .layout = updates.layout,
                   .center = updates.center,
                   .words = [&buckets] { return buckets.Word(); }},
                  execution);
  if (!robust.ok()) return robust.status();
  RobustResult result{.sum = std::move(robust->sum), .outliers = std::nullopt};
  if (!TellsOutliers(attempt.recipe, clients.size())) return result;
  result.outliers.emplace();
  for (const std::size_t row :
       OutliersOf(attempt.recipe, robust->weights, attempt.outlier_weight)) {
    result.outliers->push_back(clients[row]);
  }
  return result;
}

}  // namespace tributary::coordinator
