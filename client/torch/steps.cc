// SPDX-License-Identifier: Apache-2.0
#include "client/torch/steps.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "client/torch/optimizer.h"

namespace tributary::torch_internal {
namespace {

// x <- x - lr c, where the network has stepped down its gradient by itself.
void Correct(std::span<const float> correction, float rate,
             std::span<float> parameters) {
  for (std::size_t i = 0; i < correction.size(); ++i) {
    parameters[i] -= rate * correction[i];
  }
}

// What an optimizer does to frozen parameters is undone: with or without
// momentum, the others move as if these were no parameters.
void KeepFrozen(const std::vector<FlatRange>& frozen,
                std::span<const float> start, std::span<float> parameters) {
  for (const FlatRange& range : frozen) {
    const std::size_t begin = std::min(range.begin, parameters.size());
    const std::size_t end = std::min(range.end, parameters.size());
    std::copy_n(start.begin() + begin, end - begin, parameters.begin() + begin);
  }
}

class HostSteps final : public Steps {
 public:
  HostSteps(Network& network, const TrainTask& task, const Model& model)
      : network_(network),
        task_(task),
        start_(
            std::span(model.weights).first(model.manifest.TrainableLength())),
        parameters_(network.weights().first(start_.size())),
        descent_{static_cast<float>(task.training.learning_rate),
                 static_cast<float>(task.training.proximal_mu),
                 static_cast<float>(task.training.weight_decay),
                 start_.data()} {
    if (!network.Descends(task.training)) {
      optimizer_.emplace(task.training, start_, task.correction, start_.size());
    }
  }

  absl::StatusOr<double> Take(const Dataset& data,
                              std::span<const std::uint32_t> rows) override {
    const TrainingOptions::Loss loss = task_.training.loss;
    const auto mean = optimizer_.has_value()
                          ? network_.Differentiate(data, rows, loss)
                          : network_.Descend(data, rows, loss, descent_);
    if (!mean.ok()) return mean;
    if (optimizer_.has_value()) {
      optimizer_->Step(parameters_, network_.gradient());
    } else {
      Correct(task_.correction, descent_.rate, parameters_);
    }
    KeepFrozen(task_.frozen, start_, parameters_);
    return mean;
  }

 private:
  Network& network_;
  const TrainTask& task_;
  const std::span<const float> start_;
  const std::span<float> parameters_;
  const Descent descent_;
  std::optional<FlatOptimizer> optimizer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Steps>> MakeSteps(Network& network,
                                                 const TrainTask& task,
                                                 const Model& model) {
  if (network.placement().memory == Placement::Memory::kDevice) {
    return MakeDeviceSteps(network, task);
  }
  return std::make_unique<HostSteps>(network, task, model);
}

}  // namespace tributary::torch_internal
