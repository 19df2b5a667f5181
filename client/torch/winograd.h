// SPDX-License-Identifier: Apache-2.0
// A convolution of planes with 5x5 kernels, stride 1 and zeros around, and its
// gradients, by minimal filtering: F(4x4, 5x5) takes 64 products for each tile
// of 4x4 outputs where the sum takes 400. With tiles d of 8x8 inputs, kernels g
// and matrices A, B, G of small numbers,
//
//   y  = A^T [sum over channels (G g G^T) * (B^T d B)] A
//
// and so, with other matrices, for the gradients. Points 0, 1, -1, 2, -2, 1/2,
// -1/2 and infinity. Source: Winograd 1980; Lavin and Gray 2016, sections 3, 4.
// Rounding errors are some ten times those of the plain sum.
//
// x [rows, channels, height, width], y [rows, filters, height, width], weight
// [filters, channels, 5, 5], all row-major. One thread. Memory stays and grows
// with the largest batch; the same bits on every processor of a kind.
#pragma once

#include <cstdint>

#include "client/torch/workspace.h"

namespace tributary::torch_internal {

struct WinogradShape {
  int channels = 0;
  int filters = 0;
  int height = 0;
  int width = 0;

  // Whole vectors of channels and filters, for every processor.
  bool Fits() const { return channels % 16 == 0 && filters % 16 == 0; }
};

class Winograd {
 public:
  // The shape fits.
  explicit Winograd(const WinogradShape& shape) : shape_(shape) {}

  // y <- x * weight + bias
  void Forward(const float* x, std::int64_t rows, const float* weight,
               const float* bias, float* y);
  // After Forward of the same rows: what dy, the gradient for y, makes of x and
  // of the weight. dx may be null.
  void Backward(const float* dy, const float* weight, float* dx,
                float* weight_gradient);

 private:
  const WinogradShape shape_;
  std::int64_t rows_ = 0;
  // Transformed: the inputs of all rows [row, 64, tile, channel], kernels [64,
  // in, out], one row of what comes out [64, tile, out], of dy [64, tile,
  // filter], and the weight's gradient [64, channel, filter].
  Workspace inputs_, kernels_, outputs_, gradients_, products_;
  // One row with its border, channels innermost.
  Workspace padded_;
};

}  // namespace tributary::torch_internal
