// SPDX-License-Identifier: Apache-2.0
// The tensors of a module as views of one flat one: parameters first, then
// shared buffers, in the module's own order. Includes LibTorch: for the few .cc
// files of client/torch that need it.
#pragma once

#include <torch/types.h>

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/manifest.h"
#include "client/torch/computation.h"

namespace tributary::torch_internal {

struct FlatTensors {
  // A parameter, where it lies in the flat vector and where its gradient does.
  struct Trainable {
    torch::Tensor parameter, weights, gradient;
  };

  Manifest manifest;
  torch::Tensor flat;      // manifest.Length() floats
  torch::Tensor gradient;  // manifest.TrainableLength() floats
  std::vector<Trainable> trainable;
  // Not shared, such as BatchNorm's batch counter: (tensor, first value).
  std::vector<std::pair<torch::Tensor, torch::Tensor>> local;
};

// Re-points every tensor of the computation at its part of a flat one on that
// device, keeping its value. InvalidArgument if a tensor cannot be shared or
// none is trainable. Throws what LibTorch throws.
absl::StatusOr<FlatTensors> Flatten(Computation& computation,
                                    const torch::Device& device);

}  // namespace tributary::torch_internal
