// SPDX-License-Identifier: Apache-2.0
// The losses of torch.nn.functional and their gradients, on plain memory: o are
// the outputs of a batch, t its targets, n how many of them there are.
//
//   cross_entropy  mean_r (log sum_c e^o_rc - o_r,t_r)   (softmax(o) - 1_t) / n
//   mse            mean (o - t)^2                         2 (o - t) / n
//   bce            mean (log(1 + e^o) - o t)              (sigmoid(o) - t) / n
//
// Each returns the mean loss and writes the gradient, unless that span is
// empty. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tributary::torch_internal {

// Outputs and gradient: [targets.size(), classes]; targets: classes from 0.
double CrossEntropy(std::span<const float> outputs,
                    std::span<const float> targets, std::span<float> gradient);
// One output a target.
double SquaredError(std::span<const float> outputs,
                    std::span<const float> targets, std::span<float> gradient);
// One logit a target in 0..1.
double BinaryCrossEntropy(std::span<const float> outputs,
                          std::span<const float> targets,
                          std::span<float> gradient);

}  // namespace tributary::torch_internal
