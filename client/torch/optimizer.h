// SPDX-License-Identifier: Apache-2.0
// The client's optimizers on one flat vector. x: weights, x0: weights at the
// start of the task, g: gradient of the loss, c: the task's correction of it.
//
//   d = g + c + mu (x - x0) + decay x                  Li et al. 2020 (FedProx)
//   SGD   b <- momentum b + d ;  x <- x - lr b         Sutskever et al. 2013
//   Adam  m <- b1 m + (1-b1) d ;  v <- b2 v + (1-b2) d^2
//         x <- x - lr/(1-b1^t) m / (sqrt(v / (1-b2^t)) + eps)
//                                                      Kingma and Ba 2015, alg.
//                                                      1
//   with b1, b2 and eps below.
//
// On the host; device_steps.cc has them for devices. The same arithmetic as
// torch::optim's SGD and Adam, in one pass. One thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tributary/trainer.h"

namespace tributary::torch_internal {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;

class FlatOptimizer {
 public:
  // For vectors of `length` floats. `start` is x0; it is read only if
  // options.proximal_mu > 0. `correction` is c, or empty for none. Both outlive
  // the optimizer.
  FlatOptimizer(const TrainingOptions& options, std::span<const float> start,
                std::span<const float> correction, std::size_t length);

  // One step. Both spans have the length given above.
  void Step(std::span<float> weights, std::span<const float> gradient);

 private:
  void StepSgd(std::span<float> weights);
  void StepAdam(std::span<float> weights);

  TrainingOptions options_;
  std::span<const float> start_;
  std::span<const float> correction_;
  std::vector<float> direction_;  // d
  std::vector<float> first_;      // b or m
  std::vector<float> second_;     // v
  std::int64_t steps_ = 0;
};

}  // namespace tributary::torch_internal
