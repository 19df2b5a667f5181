// SPDX-License-Identifier: Apache-2.0
// What a network computes, built-in or TorchScript. Includes LibTorch: for the
// few .cc files of client/torch that need it.
#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "client/torch/layers.h"

namespace tributary::torch_internal {

struct NamedTensor {
  std::string name;
  torch::Tensor tensor;
};

enum class Mode { kTraining, kEvaluation };

// May throw what LibTorch throws.
class Computation {
 public:
  virtual ~Computation() = default;
  virtual torch::Tensor Forward(const torch::Tensor& batch) = 0;
  virtual void SetMode(Mode mode) = 0;
  // In the module's order; what requires a gradient is a parameter.
  virtual std::vector<NamedTensor> Parameters() = 0;
  virtual std::vector<NamedTensor> Buffers() = 0;
  // Shape of one example; empty if any may do.
  virtual Shape InputShape() const = 0;
  // Draws from LibTorch's generator when training (dropout).
  virtual bool DrawsRandom() const = 0;
};

// An architecture of ours that also knows itself as TorchScript.
class BuiltIn : public Computation {
 public:
  // Source of `def forward(self, x)` that computes what Forward does from the
  // same named tensors.
  virtual std::string Source() const = 0;
  bool DrawsRandom() const override { return false; }
};

// Parameters and buffers are zero. The list has layers, each fit for what the
// one before it gives.
std::unique_ptr<BuiltIn> MakeStack(const LayerList& list);
// Its tensors on that device. Throws if the file is no archive.
std::unique_ptr<Computation> LoadArchive(const std::string& file,
                                         const torch::Device& device);

}  // namespace tributary::torch_internal
