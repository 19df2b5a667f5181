// SPDX-License-Identifier: Apache-2.0
// The formulas of optimizer.h as LibTorch's own operations on flat tensors.
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "client/torch/flat_tensors.h"
#include "client/torch/guard.h"
#include "client/torch/optimizer.h"
#include "client/torch/steps.h"

namespace tributary::torch_internal {
namespace {

class DeviceSteps final : public Steps {
 public:
  DeviceSteps(Network& network, const TrainTask& task)
      : network_(network), options_(task.training) {
    const FlatTensors& tensors = network.tensors();
    const std::int64_t length = tensors.gradient.size(0);
    x_ = tensors.flat.narrow(0, 0, length);
    d_ = tensors.gradient;
    if (options_.proximal_mu != 0 || !task.frozen.empty()) start_ = x_.clone();
    if (!task.correction.empty()) {
      correction_ = torch::empty({length});
      std::ranges::copy(task.correction, correction_.data_ptr<float>());
      correction_ = correction_.to(x_.device());
    }
    for (const FlatRange& range : task.frozen) {
      const auto begin =
          std::min(static_cast<std::int64_t>(range.begin), length);
      const auto end = std::min(static_cast<std::int64_t>(range.end), length);
      frozen_.emplace_back(x_.narrow(0, begin, end - begin),
                           start_.narrow(0, begin, end - begin));
    }
    const bool adam = options_.optimizer == TrainingOptions::Optimizer::kAdam;
    if (adam || options_.momentum != 0) first_ = torch::zeros_like(x_);
    if (adam) second_ = torch::zeros_like(x_);
  }

  absl::StatusOr<double> Take(const Dataset& data,
                              std::span<const std::uint32_t> rows) override {
    const auto mean = network_.Differentiate(data, rows, options_.loss);
    if (!mean.ok()) return mean;
    return Guarded("training", [&]() -> absl::StatusOr<double> {
      torch::NoGradGuard no_gradient;
      Step();
      return mean;
    });
  }

 private:
  void Step() {
    ++steps_;
    if (correction_.defined()) d_.add_(correction_);
    if (options_.proximal_mu != 0) d_.add_(x_ - start_, options_.proximal_mu);
    if (options_.weight_decay != 0) d_.add_(x_, options_.weight_decay);
    if (second_.defined()) {
      StepAdam();
    } else if (first_.defined()) {
      first_.mul_(options_.momentum).add_(d_);
      x_.sub_(first_, options_.learning_rate);
    } else {
      x_.sub_(d_, options_.learning_rate);
    }
    for (auto& [parameters, start] : frozen_) parameters.copy_(start);
  }

  void StepAdam() {
    const double t = static_cast<double>(steps_);
    const double rate = options_.learning_rate / (1 - std::pow(kBeta1, t));
    const double root = std::sqrt(1 - std::pow(kBeta2, t));
    first_.mul_(kBeta1).add_(d_, 1 - kBeta1);
    second_.mul_(kBeta2).addcmul_(d_, d_, 1 - kBeta2);
    x_.addcdiv_(first_, second_.sqrt().div_(root).add_(kEpsilon), -rate);
  }

  Network& network_;
  const TrainingOptions options_;
  std::int64_t steps_ = 0;
  torch::Tensor x_, d_;
  // Undefined where the options need none: x0, c; b or m; v.
  torch::Tensor start_, correction_, first_, second_;
  // Parameters that stay, and what they are.
  std::vector<std::pair<torch::Tensor, torch::Tensor>> frozen_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Steps>> MakeDeviceSteps(Network& network,
                                                       const TrainTask& task) {
  return Guarded("training", [&]() -> absl::StatusOr<std::unique_ptr<Steps>> {
    return std::make_unique<DeviceSteps>(network, task);
  });
}

}  // namespace tributary::torch_internal
