// SPDX-License-Identifier: Apache-2.0
// What a plan asks of the simulator that departs from what a coordinator and
// its clients would do, or that makes two runs of one seed differ. Reports show
// it. Pure.
#pragma once

#include <string>
#include <vector>

#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

// One sentence each, the key first. The plan has its defaults.
std::vector<std::string> DeclaredExceptions(const v1::Plan& plan);

}  // namespace tributary::simulation
