// SPDX-License-Identifier: Apache-2.0
#include "client/torch/fused_stack.h"

#include <optional>
#include <string>
#include <utility>

namespace tributary::torch_internal {
namespace {

// The same function in a cheaper order: ReLU after the largest of a window is
// the largest after ReLU, and has fewer values to look at. Where the two differ
// in which position takes the gradient, all are at or below zero and none does.
std::vector<Layer> Reordered(std::vector<Layer> layers) {
  for (std::size_t i = 1; i < layers.size(); ++i) {
    if (std::holds_alternative<layer::Relu>(layers[i - 1]) &&
        std::holds_alternative<layer::MaxPool>(layers[i])) {
      std::swap(layers[i - 1], layers[i]);
    }
  }
  return layers;
}

class Maker {
 public:
  Maker(const Manifest& manifest, float* flat)
      : manifest_(manifest), flat_(flat) {}

  // Null if there is no such path. `shape` is that of what goes in.
  std::unique_ptr<FusedLayer> Make(const layer::Linear& linear,
                                   const Shape& shape) const {
    if (shape.size() != 1) return nullptr;
    return FusedLinear(linear, Find(linear.name + ".weight"),
                       Find(linear.name + ".bias"));
  }
  std::unique_ptr<FusedLayer> Make(const layer::Convolution& convolution,
                                   const Shape& shape) const {
    const Part weight = Find(convolution.name + ".weight");
    const Part bias = Find(convolution.name + ".bias");
    auto winograd = FusedWinograd(convolution, shape, weight, bias);
    return winograd != nullptr
               ? std::move(winograd)
               : FusedConvolution(convolution, shape, weight, bias);
  }
  std::unique_ptr<FusedLayer> Make(const layer::Relu&,
                                   const Shape& shape) const {
    return FusedRelu(Count(shape));
  }
  std::unique_ptr<FusedLayer> Make(const layer::Tanh&,
                                   const Shape& shape) const {
    return FusedTanh(Count(shape));
  }
  std::unique_ptr<FusedLayer> Make(const layer::MaxPool& pool,
                                   const Shape& shape) const {
    return FusedMaxPool(pool, shape);
  }
  template <typename Other>
  std::unique_ptr<FusedLayer> Make(const Other&, const Shape&) const {
    return nullptr;
  }

 private:
  Part Find(const std::string& name) const {
    std::size_t offset = 0;
    for (const TensorSpec& tensor : manifest_.tensors()) {
      if (tensor.name == name) return {flat_, offset, tensor.Size()};
      offset += tensor.Size();
    }
    return {};
  }

  const Manifest& manifest_;
  float* flat_;
};

}  // namespace

std::unique_ptr<FusedStack> FusedStack::Make(const LayerList& list,
                                             const Manifest& manifest,
                                             float* flat) {
  std::unique_ptr<FusedStack> stack(new FusedStack);
  const Maker maker(manifest, flat);
  Shape shape = list.input;
  stack->input_count_ = Count(shape);
  for (const Layer& layer : Reordered(list.layers)) {
    // Examples lie one behind the other whatever their shape.
    if (!std::holds_alternative<layer::Flatten>(layer)) {
      stack->layers_.push_back(std::visit(
          [&](const auto& part) { return maker.Make(part, shape); }, layer));
      if (stack->layers_.back() == nullptr) return nullptr;
    }
    shape = ShapeAfter(layer, shape);
  }
  if (stack->layers_.empty()) return nullptr;
  stack->output_ = std::move(shape);
  stack->activations_.resize(stack->layers_.size() + 1);
  return stack;
}

float* FusedStack::Inputs(std::int64_t rows) {
  return inputs_.AtLeast(rows * input_count_);
}

const float* FusedStack::Forward(std::int64_t rows) {
  rows_ = rows;
  activations_[0] = Inputs(rows);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    activations_[i + 1] = layers_[i]->Forward(activations_[i], rows);
  }
  return activations_.back();
}

float* FusedStack::OutputGradient() {
  return output_gradient_.AtLeast(rows_ * Count(output_));
}

void FusedStack::Descend(const Descent& descent) {
  float* gradient = OutputGradient();
  for (std::size_t i = layers_.size(); i-- > 0;) {
    gradient = layers_[i]->Backward(
        activations_[i], activations_[i + 1], gradient, rows_, descent,
        i == 0 ? InputGradient::kUnused : InputGradient::kWanted);
  }
}

}  // namespace tributary::torch_internal
