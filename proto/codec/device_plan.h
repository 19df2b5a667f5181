// SPDX-License-Identifier: Apache-2.0
// What a plan says of simulated devices: its defaults, and the rules across its
// keys. Pure.
#pragma once

#include "proto/codec/problem.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// Writes the defaults out that the schema's comments give.
void FillDevices(v1::SimulationPlan& simulation);

// Appends what the limits of single fields cannot say.
void FindDeviceProblems(const v1::SimulationPlan& simulation,
                        Problems& problems);

}  // namespace tributary::codec
