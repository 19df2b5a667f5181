// SPDX-License-Identifier: Apache-2.0
// A list of known layers trained without autograd, on the network's own flat
// vector (fused_layer.h).
//
//   std::copy(..., stack.Inputs(rows));
//   const float* outputs = stack.Forward(rows);
//   double loss = CrossEntropy(outputs, ..., stack.OutputGradient());
//   stack.Descend(descent);
//
// One thread. The flat vector outlives the stack. May throw what LibTorch's
// convolutions throw.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "aggregation/manifest.h"
#include "client/torch/fused_layer.h"
#include "client/torch/layers.h"

namespace tributary::torch_internal {

class FusedStack {
 public:
  // Null if a layer of the list has no such path. `manifest` is that of the
  // list's module, `flat` its manifest.Length() floats.
  static std::unique_ptr<FusedStack> Make(const LayerList& list,
                                          const Manifest& manifest,
                                          float* flat);

  // Where the next batch of so many examples goes, one behind the other.
  float* Inputs(std::int64_t rows);
  // Outputs for the batch in Inputs; valid until the next call.
  const float* Forward(std::int64_t rows);
  // Where the loss's gradient for the outputs of the last Forward goes.
  float* OutputGradient();
  // One step down that gradient, which is overwritten.
  void Descend(const Descent& descent);

  // Shape of one output.
  const Shape& output() const { return output_; }

 private:
  FusedStack() = default;

  Shape output_;
  std::int64_t input_count_ = 0;
  Workspace inputs_, output_gradient_;
  std::int64_t rows_ = 0;
  std::vector<std::unique_ptr<FusedLayer>> layers_;
  // What went into each layer, and what came out of the last.
  std::vector<const float*> activations_;
};

}  // namespace tributary::torch_internal
