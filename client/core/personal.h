// SPDX-License-Identifier: Apache-2.0
// Strategies that leave each client a model of its own. x: the shared model;
// state: ClientState.local.
//
//   FedPer  the local tensors take their values from the state (at first: from
//           x); all are trained; the local ones go back to the state, the
//           update of the others is sent               Arivazhagan et al. 2019
//   FedRep  the same, but first the local tensors are trained with the others
//           held, then the others with the local ones held
//                                         Collins et al. 2021, algorithm 1
//   Ditto   u = delta as without a strategy; beside it v (at first: x) goes on
//           from the state, trained with  g(v_k) + lambda (v_k - x)
//                                         Li et al. 2021, algorithm 1
//
// Local coordinates of an update are zero. One thread per call.
#pragma once

#include "client/core/strategy.h"

namespace tributary {

// What of the flat vector is each client's own: the local tensors, or with
// Ditto all of it; nothing without such a strategy. Errors of LocalRanges.
absl::StatusOr<std::vector<FlatRange>> PersonalPlaces(
    const v1::StrategyPlan& plan, const Manifest& manifest);

// Whether the state holds values for its places.
bool IsPersonal(const ClientState& state);

// The model with the client's own values in their places. `state` is personal
// and of this model's run; one that does not fit changes nothing.
Model WithPersonalValues(Model model, const ClientState& state);

// FedPer or FedRep, whichever the plan says.
absl::StatusOr<StrategyOutcome> TrainLocalTensors(
    const v1::StrategyPlan& plan, const TrainTask& task, const Model& model,
    Trainer& trainer, const ClientState& state, const TaskContext& context);

absl::StatusOr<StrategyOutcome> TrainDitto(const v1::StrategyPlan::Ditto& plan,
                                           const TrainTask& task,
                                           const Model& model, Trainer& trainer,
                                           const ClientState& state,
                                           const TaskContext& context);

}  // namespace tributary
