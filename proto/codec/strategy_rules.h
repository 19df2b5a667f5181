// SPDX-License-Identifier: Apache-2.0
// What of a plan goes together with its strategy. Pure.
#pragma once

#include "proto/codec/problem.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// Adds a problem, naming both keys, for each combination that makes no sense.
// The plan need not have its defaults.
void CheckStrategy(const v1::Plan& plan, Problems& problems);

}  // namespace tributary::codec
