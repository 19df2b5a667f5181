// SPDX-License-Identifier: Apache-2.0
// What of a plan goes together with its quarantine. Pure.
#pragma once

#include "proto/codec/problem.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// Whether the plan's robust rule may say of each update how much it counted
// for, so that there can be outliers (coordinator/robust/outliers.h). The
// median and the trimmed mean look at each coordinate apart; Bulyan, and Krum
// unless it takes all but the adversaries', choose some updates and say nothing
// against the rest; after bucketing an update counts as its bucket does; and a
// mean counts each the same unless it bounds their norms.
bool WeighsUpdates(const v1::Plan& plan);

// The part of the mean weight below which an update is an outlier, by default.
inline constexpr double kOutlierWeight = 0.1;
// That of the plan's quarantine, or the default where there is none. The plan
// has its defaults.
double OutlierWeight(const v1::Plan& plan);

// Adds a problem for each combination that makes no sense. The plan need not
// have its defaults.
void CheckQuarantine(const v1::Plan& plan, Problems& problems);

}  // namespace tributary::codec
