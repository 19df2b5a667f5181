// SPDX-License-Identifier: Apache-2.0
// A plan's strategy as the domain types that act on it, and what it adds to
// models and updates: at most one tensor behind the model's own, the auxiliary
// one. Client, coordinator and simulator ask here, so that they agree.
//
// Pure; any thread. Plans have their defaults.
#pragma once

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/manifest.h"
#include "aggregation/strategy.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// What the server does with the mean: the strategy's part, or what the plan's
// robust rule keeps of it.
aggregation::Strategy ToStrategy(const v1::Plan& plan);

// The tensor that goes with every model and update, if there is one:
//   fednova    "fednova.steps", a scalar
//   scaffold   "scaffold.control", as long as the trainable part
//   qfedavg    "qfedavg.normaliser", a scalar
std::optional<TensorSpec> AuxiliaryTensor(const v1::StrategyPlan& plan,
                                          const Manifest& manifest);
// Largest magnitude of its values in an update. There is such a tensor.
double AuxiliaryBound(const v1::StrategyPlan& plan);

// The manifest's model part with the strategy's tensor behind it: what the
// files of a run hold. The tensor is zero in the first one.
Manifest WithAuxiliary(const Manifest& manifest, const v1::StrategyPlan& plan);

// The tensors that stay on the client: their ranges in the model's flat vector,
// in order; none for most strategies. InvalidArgument, naming the key, if a
// name is no tensor or module of the model, or if nothing trainable is left to
// share.
absl::StatusOr<std::vector<FlatRange>> LocalRanges(const v1::StrategyPlan& plan,
                                                   const Manifest& manifest);

// Whether this program knows all that the message says: a newer coordinator may
// ask for more.
bool IsKnown(const v1::StrategyPlan& plan);

}  // namespace tributary::codec
