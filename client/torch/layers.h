// SPDX-License-Identifier: Apache-2.0
// A network as a list of layers. It is the one description of a built-in
// architecture: its LibTorch module, its TorchScript source (stack.cc) and the
// path without autograd (fused_stack.h) all follow from it.
//
// Examples run through a list one behind the other; shapes here are those of
// one example. Values; pure.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "tributary/v1/model.pb.h"

namespace tributary::torch_internal {

using Shape = std::vector<std::int64_t>;

// Numbers in a tensor of this shape.
std::int64_t Count(const Shape& shape);

namespace layer {

// W x + b: {inputs} -> {outputs}. Tensors name.weight [outputs, inputs] and
// name.bias.
struct Linear {
  std::string name;
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
};

// {channels, length} or {channels, height, width} -> {filters, as before}: a
// kernel of the same odd extent in each dimension, stride 1, zeros around.
// Tensors name.weight [filters, channels, kernel...] and name.bias.
struct Convolution {
  std::string name;
  std::int64_t channels = 0;
  std::int64_t filters = 0;
  std::int64_t kernel = 0;
};

// Over channels, momentum 0.1 and epsilon 1e-5 as in PyTorch. Tensors
// name.weight, name.bias and the buffers name.running_mean, name.running_var.
struct BatchNorm {
  std::string name;
  std::int64_t channels = 0;
};

struct Relu {};
struct Tanh {};

// The largest of each window of this extent in each dimension but the first;
// what is left over at an end is dropped.
struct MaxPool {
  std::int64_t window = 0;
};

// -> {count}.
struct Flatten {};

// The mean of each channel: {channels, ...} -> {channels}.
struct GlobalMean {};

// Samples of a window in the order of time: {channels, length} -> {length,
// channels}.
struct TimeFirst {};

// Codes, whole numbers in 0 .. codes - 1, each become a vector: {length} ->
// {length, width}. Tensor name.weight [codes, width].
struct Embedding {
  std::string name;
  std::int64_t codes = 0;
  std::int64_t width = 0;
};

// The hidden states of the topmost of `layers` GRU layers, which start at zero:
// {length, inputs} -> {length, hidden}, as torch.nn.GRU with batch_first. For
// layer k name.weight_ih_lk [3 hidden, inputs], name.weight_hh_lk [3 hidden,
// hidden], name.bias_ih_lk and name.bias_hh_lk, gates in the order reset,
// update, new.
struct Gru {
  std::string name;
  std::int64_t inputs = 0;
  std::int64_t hidden = 0;
  std::int64_t layers = 1;
};

// The last of a sequence: {length, width} -> {width}.
struct Last {};

}  // namespace layer

using Layer = std::variant<layer::Linear, layer::Convolution, layer::BatchNorm,
                           layer::Relu, layer::Tanh, layer::MaxPool,
                           layer::Flatten, layer::GlobalMean, layer::TimeFirst,
                           layer::Embedding, layer::Gru, layer::Last>;

struct LayerList {
  Shape input;
  std::vector<Layer> layers;
};

// Shape of what the layer gives for an example of this shape.
Shape ShapeAfter(const Layer& layer, const Shape& shape);

// The layers of an architecture of ours within its limits; none for another.
LayerList LayersOf(const v1::Architecture& architecture);

}  // namespace tributary::torch_internal
