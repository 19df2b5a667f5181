// SPDX-License-Identifier: Apache-2.0
// The flat optimizers against torch::optim, on the same gradients.
#include "client/torch/optimizer.h"

#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "tests/client/torch/training_case.h"

#include "tests/catch.h"

namespace tributary::torch_internal {
namespace {

constexpr std::size_t kLength = 1000;
constexpr int kSteps = 50;

// Largest difference after kSteps steps from the same start.
template <typename Reference, typename ReferenceOptions>
double Difference(const TrainingOptions& options,
                  const ReferenceOptions& reference_options) {
  std::vector<float> start = Values(kLength, 1);
  std::vector<float> weights = start;
  FlatOptimizer optimizer(options, start, {}, kLength);
  torch::Tensor expected =
      torch::tensor(start, torch::dtype(torch::kFloat32)).requires_grad_(true);
  Reference reference(std::vector<torch::Tensor>{expected}, reference_options);
  for (int step = 0; step < kSteps; ++step) {
    const std::vector<float> gradient =
        Values(kLength, 100 + static_cast<std::uint64_t>(step));
    optimizer.Step(weights, gradient);
    expected.mutable_grad() =
        torch::tensor(gradient, torch::dtype(torch::kFloat32));
    reference.step();
  }
  double largest = 0;
  for (std::size_t i = 0; i < kLength; ++i) {
    largest = std::max(
        largest, std::fabs(double{weights[i]} - expected.data_ptr<float>()[i]));
  }
  return largest;
}

TEST_CASE("SGD equals torch::optim::SGD") {
  for (double momentum : {0.0, 0.9}) {
    for (double decay : {0.0, 0.01}) {
      TrainingOptions options;
      options.learning_rate = 0.01;
      options.momentum = momentum;
      options.weight_decay = decay;
      INFO("momentum " << momentum << ", weight decay " << decay);
      const double difference = Difference<torch::optim::SGD>(
          options,
          torch::optim::SGDOptions(0.01).momentum(momentum).weight_decay(
              decay));
      CHECK(difference < 1e-6);
    }
  }
}

TEST_CASE("Adam equals torch::optim::Adam") {
  for (double decay : {0.0, 0.01}) {
    TrainingOptions options;
    options.optimizer = TrainingOptions::Optimizer::kAdam;
    options.learning_rate = 0.001;
    options.weight_decay = decay;
    INFO("weight decay " << decay);
    const double difference = Difference<torch::optim::Adam>(
        options, torch::optim::AdamOptions(0.001).weight_decay(decay));
    CHECK(difference < 1e-6);
  }
}

}  // namespace
}  // namespace tributary::torch_internal
