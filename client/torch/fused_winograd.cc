// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "client/torch/fused_layer.h"
#include "client/torch/winograd.h"

namespace tributary::torch_internal {
namespace {

class Convolution final : public FusedLayer {
 public:
  Convolution(const WinogradShape& shape, Part weight, Part bias)
      : shape_(shape), weight_(weight), bias_(bias), winograd_(shape) {}

  const float* Forward(const float* x, std::int64_t rows) override {
    float* y = y_.AtLeast(rows * shape_.filters * Plane());
    winograd_.Forward(x, rows, weight_.data(), bias_.data(), y);
    return y;
  }

  float* Backward(const float*, const float*, float* dy, std::int64_t rows,
                  const Descent& descent,
                  InputGradient input_gradient) override {
    float* dx = input_gradient == InputGradient::kWanted
                    ? dx_.AtLeast(rows * shape_.channels * Plane())
                    : nullptr;
    float* gradient =
        gradient_.AtLeast(static_cast<std::int64_t>(weight_.size));
    winograd_.Backward(dy, weight_.data(), dx, gradient);
    weight_.Step(gradient, descent);
    bias_.Step(BiasGradient(dy, rows), descent);
    return dx;
  }

 private:
  std::int64_t Plane() const {
    return std::int64_t{shape_.height} * shape_.width;
  }

  const float* BiasGradient(const float* dy, std::int64_t rows) {
    float* gradient = bias_gradient_.AtLeast(shape_.filters);
    std::fill_n(gradient, shape_.filters, 0.0f);
    for (std::int64_t plane = 0; plane < rows * shape_.filters; ++plane) {
      gradient[plane % shape_.filters] += Sum(dy + plane * Plane());
    }
    return gradient;
  }

  // Over a plane, in an order that vectorises.
  float Sum(const float* values) const {
    constexpr std::int64_t kLanes = 16;
    float lanes[kLanes] = {};
    std::int64_t i = 0;
    for (; i + kLanes <= Plane(); i += kLanes) {
      for (std::int64_t j = 0; j < kLanes; ++j) lanes[j] += values[i + j];
    }
    for (; i < Plane(); ++i) lanes[0] += values[i];
    return std::accumulate(lanes, lanes + kLanes, 0.0f);
  }

  const WinogradShape shape_;
  const Part weight_, bias_;
  Winograd winograd_;
  Workspace y_, dx_, gradient_, bias_gradient_;
};

}  // namespace

std::unique_ptr<FusedLayer> FusedWinograd(
    const layer::Convolution& convolution, const Shape& input, Part weight,
    Part bias) {
  if (input.size() != 3 || convolution.kernel != 5) return nullptr;
  const WinogradShape shape{static_cast<int>(convolution.channels),
                            static_cast<int>(convolution.filters),
                            static_cast<int>(input[1]),
                            static_cast<int>(input[2])};
  if (!shape.Fits()) return nullptr;
  return std::make_unique<Convolution>(shape, weight, bias);
}

}  // namespace tributary::torch_internal
