// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/quarantine_rules.h"

#include <algorithm>
#include <cstdint>

namespace tributary::codec {

bool WeighsUpdates(const v1::Plan& plan) {
  const v1::RobustPlan& robust = plan.robust();
  const auto has = [&](auto kind) {
    return std::ranges::any_of(robust.pre_steps(), [&](const auto& step) {
      return step.kind_case() == kind;
    });
  };
  if (has(v1::RobustPlan::PreStep::kBucketing)) return false;
  switch (robust.rule_case()) {
    case v1::RobustPlan::kGeometricMedian:
    case v1::RobustPlan::kCenteredClipping:
    case v1::RobustPlan::kFltrust:
      return true;
    case v1::RobustPlan::kMean:
      return has(v1::RobustPlan::PreStep::kNormBound);
    case v1::RobustPlan::kKrum: {
      const std::uint64_t selected =
          robust.krum().has_selected() ? robust.krum().selected() : 1;
      return selected + robust.adversaries() >= plan.round().cohort_size();
    }
    case v1::RobustPlan::kMedian:
    case v1::RobustPlan::kTrimmedMean:
    case v1::RobustPlan::kBulyan:
    case v1::RobustPlan::RULE_NOT_SET:
      return false;
  }
  return false;
}

double OutlierWeight(const v1::Plan& plan) {
  return plan.has_quarantine() ? plan.quarantine().outlier_weight()
                               : kOutlierWeight;
}

void CheckQuarantine(const v1::Plan& plan, Problems& problems) {
  if (!plan.has_quarantine()) return;
  const auto sampling = plan.privacy().sampling();
  if (sampling == v1::PrivacyPlan::POISSON ||
      sampling == v1::PrivacyPlan::FIXED_SIZE) {
    problems.push_back(
        {.path = "quarantine",
         .reason = "leaves clients out of the draw, and the accountant of "
                   "privacy.sampling counts on each client of the population "
                   "to be in it, whatever it sends; leave one of them out"});
  }
  if (plan.has_asynchronous()) {
    problems.push_back({.path = "quarantine",
                        .reason = "counts rounds, which asynchronous has not; "
                                  "leave one of them out"});
  }
  if (plan.quarantine().outlier_weight() > 0 && !WeighsUpdates(plan)) {
    problems.push_back(
        {.path = "quarantine.outlier_weight",
         .reason = "no update has a weight here: robust.geometric_median, "
                   "centered_clipping and fltrust weigh updates, mean does "
                   "after a norm_bound, krum if it takes all updates but the "
                   "adversaries', and none after bucketing; leave it out"});
  }
}

}  // namespace tributary::codec
