// SPDX-License-Identifier: Apache-2.0
// Tasks before there are rounds, to find out what a plan's tasks need: a model
// that does not fit the data is told before anything is written.
//
// Pure but for the data they read; any thread.
#pragma once

#include "absl/status/status.h"
#include "simulation/participants.h"
#include "tributary/model.h"
#include "tributary/v1/federation.pb.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

// One as the plan's rounds have them, of round 1.
v1::Task TrialTask(const v1::Plan& plan, v1::Task::Kind kind);

// Whether the model fits the examples of a client, the first that has some: one
// step of training. InvalidArgument with what the trainer says and the client's
// name.
absl::Status TryOneStep(const v1::Plan& plan, const Participants& participants,
                        const Model& model);

}  // namespace tributary::simulation
