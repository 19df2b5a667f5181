// SPDX-License-Identifier: Apache-2.0
#include "client/torch/layers.h"

#include <algorithm>

namespace tributary::torch_internal {
namespace {

LayerList FullyConnected(std::int64_t inputs,
                         const std::vector<std::int64_t>& hidden,
                         std::int64_t outputs) {
  LayerList list{{inputs}, {}};
  std::int64_t width = inputs;
  for (std::size_t i = 0; i < hidden.size(); ++i) {
    list.layers.emplace_back(
        layer::Linear{"hidden" + std::to_string(i + 1), width, hidden[i]});
    list.layers.emplace_back(layer::Relu{});
    width = hidden[i];
  }
  list.layers.emplace_back(layer::Linear{"output", width, outputs});
  return list;
}

// McMahan et al. 2017, section 3.
LayerList FedAvgCnn(const v1::Architecture::FedAvgCnn& plan) {
  const std::int64_t channels = plan.channels() > 0 ? plan.channels() : 1;
  const std::int64_t height = plan.height() > 0 ? plan.height() : 28;
  const std::int64_t width = plan.width() > 0 ? plan.width() : 28;
  const std::int64_t outputs = plan.outputs() > 0 ? plan.outputs() : 10;
  const std::int64_t pooled = 64 * (height / 4) * (width / 4);
  return {{channels, height, width},
          {layer::Convolution{"conv1", channels, 32, 5}, layer::Relu{},
           layer::MaxPool{2}, layer::Convolution{"conv2", 32, 64, 5},
           layer::Relu{}, layer::MaxPool{2}, layer::Flatten{},
           layer::Linear{"hidden", pooled, 512}, layer::Relu{},
           layer::Linear{"output", 512, outputs}}};
}

// The convolutions have a bias that BatchNorm makes idle, so that a layer is
// always a weight and a bias.
LayerList Conv1d(const v1::Architecture::Conv1d& plan) {
  return {{plan.channels(), plan.length()},
          {layer::Convolution{"conv1", plan.channels(), 32, 5},
           layer::BatchNorm{"norm1", 32}, layer::Relu{}, layer::MaxPool{2},
           layer::Convolution{"conv2", 32, 64, 5},
           layer::BatchNorm{"norm2", 64}, layer::Relu{}, layer::MaxPool{2},
           layer::GlobalMean{}, layer::Linear{"output", 64, plan.outputs()}}};
}

LayerList Gru(const v1::Architecture::Gru& plan) {
  const std::int64_t layers = plan.layers() > 0 ? plan.layers() : 1;
  return {
      {plan.inputs(), plan.length()},
      {layer::TimeFirst{},
       layer::Gru{"gru", plan.inputs(), plan.hidden(), layers}, layer::Last{},
       layer::Linear{"output", plan.hidden(), plan.outputs()}}};
}

LayerList CharGru(const v1::Architecture::CharGru& plan) {
  const std::int64_t width = plan.embedding() > 0 ? plan.embedding() : 8;
  const std::int64_t layers = plan.layers() > 0 ? plan.layers() : 1;
  return {{plan.length()},
          {layer::Embedding{"embedding", plan.vocabulary(), width},
           layer::Gru{"gru", width, plan.hidden(), layers}, layer::Last{},
           layer::Linear{"output", plan.hidden(), plan.vocabulary()}}};
}

LayerList Autoencoder(const v1::Architecture::Autoencoder& plan) {
  LayerList list{{plan.inputs()}, {}};
  std::int64_t width = plan.inputs();
  const auto add = [&](const std::string& name, std::int64_t next) {
    list.layers.emplace_back(layer::Linear{name, width, next});
    list.layers.emplace_back(layer::Relu{});
    width = next;
  };
  for (int i = 0; i < plan.hidden_size(); ++i) {
    add("encoder" + std::to_string(i + 1), plan.hidden(i));
  }
  for (int i = plan.hidden_size() - 1; i > 0; --i) {
    add("decoder" + std::to_string(plan.hidden_size() - i), plan.hidden(i - 1));
  }
  list.layers.emplace_back(layer::Linear{"output", width, plan.inputs()});
  return list;
}

struct After {
  Shape shape;

  Shape operator()(const layer::Linear& linear) { return {linear.outputs}; }
  Shape operator()(const layer::Convolution& convolution) {
    shape[0] = convolution.filters;
    return shape;
  }
  Shape operator()(const layer::MaxPool& pool) {
    for (std::size_t i = 1; i < shape.size(); ++i) shape[i] /= pool.window;
    return shape;
  }
  Shape operator()(const layer::Flatten&) { return {Count(shape)}; }
  Shape operator()(const layer::GlobalMean&) { return {shape[0]}; }
  Shape operator()(const layer::TimeFirst&) { return {shape[1], shape[0]}; }
  Shape operator()(const layer::Embedding& embedding) {
    return {shape[0], embedding.width};
  }
  Shape operator()(const layer::Gru& gru) { return {shape[0], gru.hidden}; }
  Shape operator()(const layer::Last&) { return {shape[1]}; }
  Shape operator()(const layer::BatchNorm&) { return shape; }
  Shape operator()(const layer::Relu&) { return shape; }
  Shape operator()(const layer::Tanh&) { return shape; }
};

}  // namespace

std::int64_t Count(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

Shape ShapeAfter(const Layer& layer, const Shape& shape) {
  return std::visit(After{shape}, layer);
}

LayerList LayersOf(const v1::Architecture& architecture) {
  switch (architecture.kind_case()) {
    case v1::Architecture::kLinear:
      return FullyConnected(architecture.linear().inputs(), {},
                            architecture.linear().outputs());
    case v1::Architecture::kMlp:
      return FullyConnected(architecture.mlp().inputs(),
                            {architecture.mlp().hidden().begin(),
                             architecture.mlp().hidden().end()},
                            architecture.mlp().outputs());
    case v1::Architecture::kFedavgCnn:
      return FedAvgCnn(architecture.fedavg_cnn());
    case v1::Architecture::kConv1D:
      return Conv1d(architecture.conv1d());
    case v1::Architecture::kGru:
      return Gru(architecture.gru());
    case v1::Architecture::kCharGru:
      return CharGru(architecture.char_gru());
    case v1::Architecture::kAutoencoder:
      return Autoencoder(architecture.autoencoder());
    case v1::Architecture::kTorchscript:
    case v1::Architecture::KIND_NOT_SET:
      break;
  }
  return {};
}

}  // namespace tributary::torch_internal
