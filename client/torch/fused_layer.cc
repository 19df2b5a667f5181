// SPDX-License-Identifier: Apache-2.0
#include "client/torch/fused_layer.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>

#include "client/torch/dense.h"

namespace tributary::torch_internal {
namespace {

class Linear final : public FusedLayer {
 public:
  Linear(const layer::Linear& linear, Part weight, Part bias)
      : inputs_(static_cast<int>(linear.inputs)),
        outputs_(static_cast<int>(linear.outputs)),
        weight_(weight),
        bias_(bias) {}

  const float* Forward(const float* x, std::int64_t rows) override {
    float* y = y_.AtLeast(rows * outputs_);
    if (IsSmallBatch(rows)) {
      DenseForward(ShapeOf(rows), x, weight_.data(), bias_.data(), y);
      return y;
    }
    for (std::int64_t row = 0; row < rows; ++row) {
      std::copy_n(bias_.data(), outputs_, y + row * outputs_);
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(rows),
                outputs_, inputs_, 1, x, inputs_, weight_.data(), inputs_, 1, y,
                outputs_);
    return y;
  }

  float* Backward(const float* x, const float*, float* dy, std::int64_t rows,
                  const Descent& descent,
                  InputGradient input_gradient) override {
    const bool wants_dx = input_gradient == InputGradient::kWanted;
    float* dx = wants_dx ? dx_.AtLeast(rows * inputs_) : nullptr;
    if (IsSmallBatch(rows) && !descent.Pulls()) {
      DenseBackward(ShapeOf(rows), x, dy, descent.rate, weight_.data(), dx);
    } else {
      StepBlocks(x, dy, static_cast<int>(rows), descent, dx);
    }
    bias_.Pull(descent);
    float* bias = bias_.data();
    for (std::int64_t row = 0; row < rows; ++row) {
      const float* from = dy + row * outputs_;
      for (int i = 0; i < outputs_; ++i) bias[i] -= descent.rate * from[i];
    }
    return dx;
  }

 private:
  static constexpr int kBlock = 128 * 1024;  // floats

  // Where packing its arguments costs sgemm more than the product does.
  bool IsSmallBatch(std::int64_t rows) const {
    return rows <= kMostDenseRows && inputs_ >= 128 && outputs_ >= 16;
  }
  DenseShape ShapeOf(std::int64_t rows) const {
    return {static_cast<int>(rows), inputs_, outputs_};
  }

  void StepBlocks(const float* x, const float* dy, int count,
                  const Descent& descent, float* dx) {
    // Rows of the weight that stay in the second cache between their two uses.
    const int block = std::max(1, kBlock / inputs_);
    for (int first = 0; first < outputs_; first += block) {
      const int size = std::min(block, outputs_ - first);
      const Part part{
          weight_.flat,
          weight_.offset + static_cast<std::size_t>(first) *
                               static_cast<std::size_t>(inputs_),
          static_cast<std::size_t>(size) * static_cast<std::size_t>(inputs_)};
      if (dx != nullptr) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, count, inputs_,
                    size, 1, dy + first, outputs_, part.data(), inputs_,
                    first == 0 ? 0.0f : 1.0f, dx, inputs_);
      }
      part.Pull(descent);
      cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, size, inputs_, count,
                  -descent.rate, dy + first, outputs_, x, inputs_, 1,
                  part.data(), inputs_);
    }
  }

  const int inputs_, outputs_;
  const Part weight_, bias_;
  Workspace y_, dx_;
};

class Relu final : public FusedLayer {
 public:
  explicit Relu(std::int64_t count) : count_(count) {}

  const float* Forward(const float* x, std::int64_t rows) override {
    const std::int64_t count = rows * count_;
    float* y = y_.AtLeast(count);
    // Written so that NaN stays NaN.
    for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] < 0 ? 0 : x[i];
    return y;
  }
  float* Backward(const float*, const float* y, float* dy, std::int64_t rows,
                  const Descent&, InputGradient) override {
    const std::int64_t count = rows * count_;
    for (std::int64_t i = 0; i < count; ++i) dy[i] = y[i] <= 0 ? 0 : dy[i];
    return dy;
  }

 private:
  const std::int64_t count_;
  Workspace y_;
};

class Tanh final : public FusedLayer {
 public:
  explicit Tanh(std::int64_t count) : count_(count) {}

  const float* Forward(const float* x, std::int64_t rows) override {
    const std::int64_t count = rows * count_;
    float* y = y_.AtLeast(count);
    for (std::int64_t i = 0; i < count; ++i) y[i] = std::tanh(x[i]);
    return y;
  }
  float* Backward(const float*, const float* y, float* dy, std::int64_t rows,
                  const Descent&, InputGradient) override {
    const std::int64_t count = rows * count_;
    for (std::int64_t i = 0; i < count; ++i) dy[i] *= 1 - y[i] * y[i];
    return dy;
  }

 private:
  const std::int64_t count_;
  Workspace y_;
};

}  // namespace

void Part::Pull(const Descent& descent) const {
  if (!descent.Pulls()) return;
  float* x = data();
  if (descent.mu == 0) {
    for (std::size_t i = 0; i < size; ++i) {
      x[i] -= descent.rate * descent.decay * x[i];
    }
    return;
  }
  const float* start = descent.start + offset;
  for (std::size_t i = 0; i < size; ++i) {
    x[i] -=
        descent.rate * (descent.mu * (x[i] - start[i]) + descent.decay * x[i]);
  }
}

void Part::Step(const float* gradient, const Descent& descent) const {
  Pull(descent);
  float* x = data();
  for (std::size_t i = 0; i < size; ++i) x[i] -= descent.rate * gradient[i];
}

std::unique_ptr<FusedLayer> FusedLinear(const layer::Linear& linear,
                                        Part weight, Part bias) {
  return std::make_unique<Linear>(linear, weight, bias);
}

std::unique_ptr<FusedLayer> FusedRelu(std::int64_t count) {
  return std::make_unique<Relu>(count);
}

std::unique_ptr<FusedLayer> FusedTanh(std::int64_t count) {
  return std::make_unique<Tanh>(count);
}

}  // namespace tributary::torch_internal
