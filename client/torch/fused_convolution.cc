// SPDX-License-Identifier: Apache-2.0
#include <ATen/Functions.h>

#include <array>


#include "client/torch/fused_layer.h"

namespace tributary::torch_internal {
namespace {

class Convolution final : public FusedLayer {
 public:
  Convolution(const layer::Convolution& convolution, const Shape& input,
              Part weight, Part bias)
      : stride_(input.size() - 1, 1),
        padding_(input.size() - 1, convolution.kernel / 2),
        none_(input.size() - 1, 0),
        x_shape_(input),
        y_shape_(ShapeAfter(convolution, input)),
        bias_shape_{convolution.filters},
        weight_(weight),
        bias_(bias) {
    Shape shape{convolution.filters, convolution.channels};
    shape.resize(1 + input.size(), convolution.kernel);
    weight_view_ = at::from_blob(weight.data(), shape);
    bias_view_ = at::from_blob(bias.data(), bias_shape_);
    x_shape_.insert(x_shape_.begin(), 0);
    y_shape_.insert(y_shape_.begin(), 0);
  }

  const float* Forward(const float* x, std::int64_t rows) override {
    y_ = at::convolution(View(x, x_shape_, rows), weight_view_, bias_view_,
                         stride_, padding_, /*dilation=*/stride_,
                         /*transposed=*/false, /*output_padding=*/none_,
                         /*groups=*/1)
             .contiguous();
    return y_.data_ptr<float>();
  }

  float* Backward(const float* x, const float*, float* dy, std::int64_t rows,
                  const Descent& descent,
                  InputGradient input_gradient) override {
    const bool wants_dx = input_gradient == InputGradient::kWanted;
    auto [dx, weight_gradient, bias_gradient] = at::convolution_backward(
        View(dy, y_shape_, rows), View(x, x_shape_, rows), weight_view_,
        bias_shape_, stride_, padding_, /*dilation=*/stride_,
        /*transposed=*/false, /*output_padding=*/none_, /*groups=*/1,
        std::array<bool, 3>{wants_dx, true, true});
    weight_.Step(weight_gradient.contiguous().data_ptr<float>(), descent);
    bias_.Step(bias_gradient.contiguous().data_ptr<float>(), descent);
    if (!wants_dx) return nullptr;
    dx_ = dx.contiguous();
    return dx_.data_ptr<float>();
  }

 private:
  // Nothing writes through it.
  static at::Tensor View(const float* data, Shape& shape, std::int64_t rows) {
    shape[0] = rows;
    return at::from_blob(const_cast<float*>(data), shape);
  }

  const Shape stride_, padding_, none_;
  Shape x_shape_, y_shape_;  // with the rows in front
  const Shape bias_shape_;
  const Part weight_, bias_;
  at::Tensor weight_view_, bias_view_;
  at::Tensor y_, dx_;
};

}  // namespace

std::unique_ptr<FusedLayer> FusedConvolution(
    const layer::Convolution& convolution, const Shape& input, Part weight,
    Part bias) {
  return std::make_unique<Convolution>(convolution, input, weight, bias);
}

}  // namespace tributary::torch_internal
