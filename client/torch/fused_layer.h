// SPDX-License-Identifier: Apache-2.0
// One layer of the path without autograd: forward, and backward together with
// its step of plain SGD, in place on the network's flat vector. There is no
// gradient vector and no pass of an optimizer; x is a batch, y = f(x):
//
//   dx = W^T dy  with the weights before the step
//   x  <- x - rate (mu (x - x0) + decay x)        only if mu or decay is set
//   W <- W - rate dy^T x                          one product
//
// One thread. Workspaces grow to the largest batch and stay: a step allocates
// nothing, except inside LibTorch's convolutions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "client/torch/layers.h"
#include "client/torch/workspace.h"

namespace tributary::torch_internal {

// One step of plain SGD. x0 is the start of the task: as many floats as the
// network has; read only if mu is set.
struct Descent {
  float rate = 0;
  float mu = 0;
  float decay = 0;
  const float* start = nullptr;

  // Whether a step has terms that are not the loss's.
  bool Pulls() const { return mu != 0 || decay != 0; }
};

// Part of the network's flat vector.
struct Part {
  float* flat = nullptr;
  std::size_t offset = 0;
  std::size_t size = 0;

  float* data() const { return flat + offset; }
  // The terms of a step that are not the loss's.
  void Pull(const Descent& descent) const;
  // One step down this gradient, with all its terms.
  void Step(const float* gradient, const Descent& descent) const;
};

// Whether anything wants the gradient of what came in.
enum class InputGradient { kWanted, kUnused };

class FusedLayer {
 public:
  virtual ~FusedLayer() = default;

  // y of `rows` examples: the layer's own memory, valid until the next call.
  virtual const float* Forward(const float* x, std::int64_t rows) = 0;
  // After Forward. `x` is what went in, `y` what came out, `dy` the loss's
  // gradient for it, which may be overwritten. Steps the layer's parameters and
  // gives the gradient for x: the layer's own memory or that of dy; null if
  // unused.
  virtual float* Backward(const float* x, const float* y, float* dy,
                          std::int64_t rows, const Descent& descent,
                          InputGradient input_gradient) = 0;
};

// `weight` and `bias` are parts of the flat vector, shaped as
// client/torch/layers.h says.
std::unique_ptr<FusedLayer> FusedLinear(const layer::Linear& linear,
                                        Part weight, Part bias);
// For planes with kernels that Winograd (winograd.h) fits; else null.
std::unique_ptr<FusedLayer> FusedWinograd(
    const layer::Convolution& convolution, const Shape& input, Part weight,
    Part bias);
// LibTorch's kernels: may throw what they throw.
std::unique_ptr<FusedLayer> FusedConvolution(
    const layer::Convolution& convolution, const Shape& input, Part weight,
    Part bias);
std::unique_ptr<FusedLayer> FusedRelu(std::int64_t count);
std::unique_ptr<FusedLayer> FusedTanh(std::int64_t count);
std::unique_ptr<FusedLayer> FusedMaxPool(const layer::MaxPool& pool,
                                         const Shape& input);

}  // namespace tributary::torch_internal
