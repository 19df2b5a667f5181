// SPDX-License-Identifier: Apache-2.0
// What of a plan goes together with a tree of aggregators. Pure.
#pragma once

#include <cstdint>

#include "proto/codec/problem.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// Adds a problem for each key that a tree cannot keep, or that says nothing
// without one. The plan need not have its defaults.
void CheckHierarchy(const v1::Plan& plan, Problems& problems);

// Leaves that a node of this tier is to collect, the root being tier 0: the
// cohort, dealt out evenly among the nodes of the tier and rounded up.
std::uint32_t LeavesOfTier(const v1::Plan& plan, std::uint32_t tier);

}  // namespace tributary::codec
