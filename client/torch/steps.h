// SPDX-License-Identifier: Apache-2.0
// The steps of one training task, down the loss on batch after batch, wherever
// the network's tensors lie.
//
// One thread. The network, the task and the model outlive the steps.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "client/torch/network.h"
#include "tributary/dataset.h"
#include "tributary/model.h"
#include "tributary/trainer.h"

namespace tributary::torch_internal {

class Steps {
 public:
  virtual ~Steps() = default;
  // One step on the mean loss over these rows, with the task's correction;
  // frozen parameters stay as the model has them. The loss before the step,
  // finite or not. Errors are Network::Differentiate's.
  virtual absl::StatusOr<double> Take(const Dataset& data,
                                      std::span<const std::uint32_t> rows) = 0;
};

// The network holds the model's weights; the correction fits it.
absl::StatusOr<std::unique_ptr<Steps>> MakeSteps(Network& network,
                                                 const TrainTask& task,
                                                 const Model& model);

// The same for a network on a device: nothing but batches and losses leaves it
// or goes to it (device_steps.cc).
absl::StatusOr<std::unique_ptr<Steps>> MakeDeviceSteps(Network& network,
                                                       const TrainTask& task);

}  // namespace tributary::torch_internal
