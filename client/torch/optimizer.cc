// SPDX-License-Identifier: Apache-2.0
#include "client/torch/optimizer.h"

#include <algorithm>
#include <cmath>

namespace tributary::torch_internal {

FlatOptimizer::FlatOptimizer(const TrainingOptions& options,
                             std::span<const float> start,
                             std::span<const float> correction,
                             std::size_t length)
    : options_(options),
      start_(start),
      correction_(correction),
      direction_(length) {
  const bool adam = options.optimizer == TrainingOptions::Optimizer::kAdam;
  if (adam || options.momentum != 0) first_.resize(length);
  if (adam) second_.resize(length);
}

void FlatOptimizer::Step(std::span<float> weights,
                         std::span<const float> gradient) {
  ++steps_;
  const float* g = gradient.data();
  const float* x = weights.data();
  float* d = direction_.data();
  const std::size_t length = direction_.size();
  std::copy_n(g, length, d);
  for (std::size_t i = 0; i < correction_.size(); ++i) d[i] += correction_[i];
  if (options_.proximal_mu != 0) {
    const float mu = static_cast<float>(options_.proximal_mu);
    const float* x0 = start_.data();
    for (std::size_t i = 0; i < length; ++i) d[i] += mu * (x[i] - x0[i]);
  }
  if (options_.weight_decay != 0) {
    const float decay = static_cast<float>(options_.weight_decay);
    for (std::size_t i = 0; i < length; ++i) d[i] += decay * x[i];
  }
  if (options_.optimizer == TrainingOptions::Optimizer::kAdam) {
    StepAdam(weights);
  } else {
    StepSgd(weights);
  }
}

void FlatOptimizer::StepSgd(std::span<float> weights) {
  const float rate = static_cast<float>(options_.learning_rate);
  float* x = weights.data();
  const float* d = direction_.data();
  const std::size_t length = direction_.size();
  if (first_.empty()) {
    for (std::size_t i = 0; i < length; ++i) x[i] -= rate * d[i];
    return;
  }
  const float momentum = static_cast<float>(options_.momentum);
  float* b = first_.data();
  for (std::size_t i = 0; i < length; ++i) {
    b[i] = momentum * b[i] + d[i];
    x[i] -= rate * b[i];
  }
}

void FlatOptimizer::StepAdam(std::span<float> weights) {
  const double t = static_cast<double>(steps_);
  const float rate =
      static_cast<float>(options_.learning_rate / (1 - std::pow(kBeta1, t)));
  const float root = static_cast<float>(std::sqrt(1 - std::pow(kBeta2, t)));
  const float beta1 = static_cast<float>(kBeta1);
  const float rest1 = static_cast<float>(1 - kBeta1);
  const float beta2 = static_cast<float>(kBeta2);
  const float rest2 = static_cast<float>(1 - kBeta2);
  const float epsilon = static_cast<float>(kEpsilon);
  float* x = weights.data();
  const float* d = direction_.data();
  float* m = first_.data();
  float* v = second_.data();
  const std::size_t length = direction_.size();
  for (std::size_t i = 0; i < length; ++i) {
    m[i] = beta1 * m[i] + rest1 * d[i];
    v[i] = beta2 * v[i] + rest2 * d[i] * d[i];
    x[i] -= rate * m[i] / (std::sqrt(v[i]) / root + epsilon);
  }
}

}  // namespace tributary::torch_internal
