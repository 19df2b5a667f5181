// SPDX-License-Identifier: Apache-2.0
// What a plan's data source may not say beside its limits. Pure.
#pragma once

#include <string>

#include "proto/codec/problem.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// `path` is the source's place in the plan, "simulation.train".
void FindSourceProblems(const v1::DataSource& source, const std::string& path,
                        Problems& problems);

}  // namespace tributary::codec
