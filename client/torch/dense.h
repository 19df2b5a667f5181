// SPDX-License-Identifier: Apache-2.0
// The products of a linear layer for batches of a few dozen rows, where a
// general sgemm spends as long on packing the weights as on using them. Here
// weights are read once, forward; and once, backward, for input gradient and
// step together.
//
// Row-major: x [rows, inputs], y [rows, outputs], weight [outputs, inputs]. One
// thread; the same bits on every processor of a kind. rows is at most
// kMostDenseRows and inputs at least kLeastDenseInputs.
#pragma once

namespace tributary::torch_internal {

inline constexpr int kMostDenseRows = 32;
inline constexpr int kLeastDenseInputs = 16;

struct DenseShape {
  int rows = 0;
  int inputs = 0;
  int outputs = 0;
};

// y <- x weight^T + bias
void DenseForward(const DenseShape& shape, const float* x, const float* weight,
                  const float* bias, float* y);

// dx <- dy weight, unless dx is null; then weight <- weight - rate dy^T x
void DenseBackward(const DenseShape& shape, const float* x, const float* dy,
                   float rate, float* weight, float* dx);

}  // namespace tributary::torch_internal
