// SPDX-License-Identifier: Apache-2.0
// A client's own momentum over the rounds that it takes part in, of the
// parameters; buffers are sent as they changed.
//
//   m <- beta m + delta ;  sends m                 beta: the plan's
//                                                  update.momentum
//
// Karimireddy, He, Jaggi 2021, "Learning from History for Byzantine Robust
// Optimization", algorithm 2, but for its factor 1 - beta, which is the
// server's learning rate here: docs/robustness.md.
//
// Once a round: who is asked again in a round that it sent m in before sends
// that m again, for the model it trains is the same. Pure.
#pragma once

#include <span>

#include "aggregation/manifest.h"
#include "client/core/client_state.h"
#include "tributary/v1/federation.pb.h"

namespace tributary {

bool HasMomentum(const v1::Task& task);

// Turns the parameters of a task's update, its deltas, into m. `state` fits the
// model and is the client's before this task.
void AddMomentum(const v1::Task& task, const Manifest& manifest,
                 const ClientState& state, std::span<float> update);

// Into the state after this task: m of `update`, clamped to its bounds.
void KeepMomentum(const v1::Task& task, const Manifest& manifest,
                  std::span<const float> update, ClientState& state);

}  // namespace tributary
