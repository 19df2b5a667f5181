// SPDX-License-Identifier: Apache-2.0
// What of a plan goes together with rounds that wait for nobody. Pure.
#pragma once

#include "proto/codec/problem.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// Adds a problem for each key that asynchronous rounds cannot keep, or that
// says nothing in them. The plan need not have its defaults.
void CheckAsynchronous(const v1::Plan& plan, Problems& problems);

}  // namespace tributary::codec
