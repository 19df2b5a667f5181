// SPDX-License-Identifier: Apache-2.0
// How the mean delta moves the model. x: weights, d: mean delta, all float32.
//
//   FedAvg   x <- x + lr d                              McMahan et al. 2017
//   FedAvgM  m <- beta m + d ;  x <- x + lr m           Hsu et al. 2019
//
// and the three of Reddi et al. 2021, algorithm 2, which differ in v:
//
//   m <- b1 m + (1-b1) d ;  x <- x + lr m / (sqrt(v) + tau)
//
//   FedAdagrad  v <- v + d^2
//   FedAdam     v <- b2 v + (1-b2) d^2
//   FedYogi     v <- v - (1-b2) d^2 sign(v - d^2)
//
// Pure and block-wise: any cut into blocks gives the same bits.
#pragma once

#include <cstddef>
#include <span>
#include <variant>

#include "absl/status/status.h"

namespace tributary::aggregation {

struct FedAvg {
  double learning_rate = 1;
};
struct FedAvgM {
  double learning_rate = 1;
  double momentum = 0.9;
};
// m and v start at zero; no bias correction, as in the paper.
struct FedAdam {
  double learning_rate = 0.01;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double tau = 1e-3;
};
// The step shrinks as 1/sqrt(rounds): v only grows.
struct FedAdagrad {
  double learning_rate = 0.1;
  double beta1 = 0;
  double tau = 1e-3;
};
// As FedAdam, but v forgets a large d at a pace that does not depend on v.
struct FedYogi {
  double learning_rate = 0.01;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double tau = 1e-3;
};
using ServerOptimizer =
    std::variant<FedAvg, FedAvgM, FedAdam, FedAdagrad, FedYogi>;

absl::Status Validate(const ServerOptimizer& optimizer);

// Vectors of optimizer state kept beside the weights, each as long as the
// trainable part: 0 for FedAvg, 1 for FedAvgM (m), 2 for the others (m, v).
int StateVectors(const ServerOptimizer& optimizer);

// Moves one block of trainable weights in place. `state` holds StateVectors
// spans as long as `weights`.
void StepBlock(const ServerOptimizer& optimizer, std::span<float> weights,
               std::span<const float> mean_delta,
               std::span<const std::span<float>> state);

}  // namespace tributary::aggregation
