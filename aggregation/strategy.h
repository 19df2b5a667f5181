// SPDX-License-Identifier: Apache-2.0
// How a strategy turns the mean of a round's updates into what the server
// optimizer takes, and moves what it sends along with the model. d: mean of the
// first part of the updates, a: mean of their auxiliary part, P: updates in the
// round, N: clients of the population, w: client weights.
//
//   FedNova   client: d_i = delta_i / tau_i, a_i = tau_i
//             d <- a d ;  a' <- a                        Wang et al. 2020, (8)
//   q-FedAvg  client: d_i = F_i^q delta_i,
//                     a_i = F_i^q + q F_i^(q-1) L |delta_i|^2
//             d <- d / a ;  a' <- a                Li et al. 2020, algorithm 2
//   SCAFFOLD  client: d_i = delta_i, a_i = change of its control variate
//             a' <- a' + |P|/N a              Karimireddy et al. 2020, (5)
//   FedDyn    h <- h - alpha |P|/N d ;  d <- d - h / alpha
//                                               Acar et al. 2021, algorithm 1
//   KeptMean  v <- d          where the next round's centered clipping begins,
//                                                  Karimireddy et al. 2021
//
// a' is the auxiliary part of the model's file; h and v stay with the server.
// The client's side: client/core/strategy.h. docs/strategies.md.
//
// Pure and block-wise: any cut into blocks gives the same bits.
#pragma once

#include <span>
#include <variant>

#include "aggregation/exact_sum.h"

namespace tributary::aggregation {

// The mean is what the server optimizer takes.
struct NoStrategy {};
struct FedNova {};
struct QFedAvg {};
struct Scaffold {
  double clients = 0;  // N, at least 1
};
struct FedDyn {
  double alpha = 0;    // over 0
  double clients = 0;  // N, at least 1
};
// Of runs whose robust rule needs its last result (docs/robustness.md).
struct KeptMean {};
using Strategy =
    std::variant<NoStrategy, FedNova, QFedAvg, Scaffold, FedDyn, KeptMean>;

// Vectors of state the server keeps for it, each as long as the trainable part:
// 1 for FedDyn (h) and KeptMean (v), else 0. They start at zero.
int StateVectors(const Strategy& strategy);

// A strategy in one round, whose sums are complete.
class RoundStrategy {
 public:
  // The sum has at least one contribution.
  RoundStrategy(const Strategy& strategy, const ExactSum& sum);

  const Strategy& strategy() const { return strategy_; }
  // Turns the means of a block of parameters, in place. `state` holds
  // StateVectors(strategy) spans as long as the block.
  void TurnMean(std::span<float> mean,
                std::span<const std::span<float>> state) const;
  // The next value of an auxiliary coordinate, from its mean.
  float NextAuxiliary(float value, float mean) const;

 private:
  Strategy strategy_;
  double factor_ = 1;  // of the mean: a, or 1 / a
  double share_ = 1;   // |P| / N, at most 1
};

}  // namespace tributary::aggregation
