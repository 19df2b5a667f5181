// SPDX-License-Identifier: Apache-2.0
// What the limits of single fields cannot say: rules across the keys of a plan
// or a configuration. Pure.
#pragma once

#include "proto/codec/problem.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// Limits and rules, all problems of them.
Problems FindPlanProblems(const v1::Plan& plan);
Problems FindConfigProblems(const v1::CoordinatorConfig& config);

}  // namespace tributary::codec
