// SPDX-License-Identifier: Apache-2.0
// A client's side of the plan's strategy, around its trainer. x: the model, y:
// trained from it in K steps of learning rate eta, delta = y - x, u: the
// update, and beside it what is sent as its auxiliary part.
//
//   FedNova   u = delta / tau ;  tau                      Wang et al. 2020, (8)
//             tau = |a|_1, the sum of the weights a_k with which the gradients
//             of the K steps stand in -delta / eta = sum_k a_k g_k
//   SCAFFOLD  trains with g + c - c_i ;  u = delta
//             dc = -c - delta / (K eta) ;  c_i <- c_i + dc
//                                    Karimireddy et al. 2020, (4), option II
//   FedDyn    trains with g - h_i + alpha (x_k - x) ;  u = delta
//             h_i <- h_i - alpha delta           Acar et al. 2021, algorithm 1
//   q-FedAvg  F: loss of x ;  f = min(F, max_loss) / max_loss
//             u = f^q delta ;  f^q + q f^(q-1) L |delta|^2 / max_loss
//                                                 Li et al. 2020, algorithm 2,
//             both divided by max_loss^q, which the server's quotient does not
//             see; if the latter is over its bound, both are scaled to it
//   FedPer, FedRep, Ditto: client/core/personal.h
//
// Buffers are sent as they are. The server's side: aggregation/strategy.h.
//
// The task has a strategy that is known, or none. One thread per call.
#pragma once

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "client/core/client_state.h"
#include "tributary/model.h"
#include "tributary/trainer.h"
#include "tributary/v1/federation.pb.h"

namespace tributary {

// What training under a strategy gives.
struct StrategyOutcome {
  TrainResult result;
  // Of the model's length, then the auxiliary part; not clamped.
  std::vector<float> update;
  // As in ClientState, once the update is accepted.
  std::vector<float> local;
  std::vector<FlatRange> places;
};

// One call of the trainer, its delta as the update.
absl::StatusOr<StrategyOutcome> TrainOnce(const TrainTask& task,
                                          const Model& model, Trainer& trainer,
                                          const TaskContext& context);

// Trains once or more. InvalidArgument if the model comes without what the
// strategy needs, or the trainer did not say it; whatever the trainer says.
// `state` fits the model.
absl::StatusOr<StrategyOutcome> RunStrategy(
    const v1::Task& wire, const TrainTask& task, const Model& model,
    Trainer& trainer, const ClientState& state, const TaskContext& context);

// ClientState.control once this update, clamped to its bounds, is accepted.
std::vector<float> NextControl(const v1::Task& wire, const Manifest& manifest,
                               std::span<const float> update,
                               std::vector<float> control);

// The state with those vectors emptied that have not the length this task's
// model needs: they are of another model, or damaged.
ClientState Fitting(const v1::Task& wire, const Model& model,
                    const ClientState& state);

}  // namespace tributary
