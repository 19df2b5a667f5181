// SPDX-License-Identifier: Apache-2.0
// What of a plan goes together with its robust rule, and with the clients'
// momentum that centered clipping needs. Pure.
#pragma once

#include "proto/codec/problem.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// Adds a problem for a rule that is incomplete, that the fewest updates of a
// round are too few for, or that cannot stand beside another key; naming the
// key, what it takes and what there is. The plan need not have its defaults.
void CheckRobust(const v1::Plan& plan, Problems& problems);

// The same for update.momentum.
void CheckMomentum(const v1::Plan& plan, Problems& problems);

}  // namespace tributary::codec
