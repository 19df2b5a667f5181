// SPDX-License-Identifier: Apache-2.0
// What is wrong with a plan's secure_aggregation and privacy, as far as the
// plan alone tells: what needs an accountant or a model is refused at submit.
#pragma once

#include "proto/codec/problem.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

void CheckPrivacy(const v1::Plan& plan, Problems& problems);

}  // namespace tributary::codec
