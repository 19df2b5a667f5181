// SPDX-License-Identifier: Apache-2.0
// A list of layers as a LibTorch module and as TorchScript.
#include <torch/nn/module.h>

#include <functional>
#include <tuple>
#include <utility>

#include "client/torch/computation.h"
#include "client/torch/layers.h"

namespace tributary::torch_internal {
namespace {

// What one layer holds. Starts at zero: first weights are ours to draw
// (client/torch/weights.h).
struct TensorsImpl : torch::nn::Module {
  explicit TensorsImpl(const Shape& weight_shape) {
    weight = register_parameter("weight", torch::zeros(weight_shape));
    bias = register_parameter("bias", torch::zeros({weight_shape[0]}));
  }
  void AddStatistics() {
    running_mean = register_buffer("running_mean", torch::zeros_like(bias));
    running_var = register_buffer("running_var", torch::zeros_like(bias));
  }
  torch::Tensor weight, bias, running_mean, running_var;
};
using Tensors = std::shared_ptr<TensorsImpl>;

struct EmbeddingTensors : torch::nn::Module {
  explicit EmbeddingTensors(const layer::Embedding& embedding) {
    weight = register_parameter(
        "weight", torch::zeros({embedding.codes, embedding.width}));
  }
  torch::Tensor weight;
};

// As torch.nn.GRU names and orders them.
struct GruTensors : torch::nn::Module {
  explicit GruTensors(const layer::Gru& gru) {
    const std::int64_t gates = 3 * gru.hidden;
    for (std::int64_t k = 0; k < gru.layers; ++k) {
      Add("weight_ih_l", k, {gates, k == 0 ? gru.inputs : gru.hidden});
      Add("weight_hh_l", k, {gates, gru.hidden});
      Add("bias_ih_l", k, {gates});
      Add("bias_hh_l", k, {gates});
    }
  }
  void Add(const std::string& name, std::int64_t k, const Shape& shape) {
    names.push_back(name + std::to_string(k));
    all.push_back(register_parameter(names.back(), torch::zeros(shape)));
  }
  std::vector<std::string> names;
  std::vector<torch::Tensor> all;
};

std::string List(const Shape& values) {
  std::string text;
  for (const std::int64_t value : values) {
    text += (text.empty() ? "[" : ", ") + std::to_string(value);
  }
  return text + "]";
}

// The dimensions behind the first: 1 or 2.
std::size_t Dimensions(const Shape& shape) { return shape.size() - 1; }

// What a layer does to a batch, and the Python that does the same to x.
struct Operation {
  std::function<torch::Tensor(const torch::Tensor& x, Mode mode)> forward;
  std::string source;
};

template <typename Pairs>
std::vector<NamedTensor> Named(const Pairs& pairs) {
  std::vector<NamedTensor> named;
  for (const auto& pair : pairs) named.push_back({pair.key(), pair.value()});
  return named;
}

class Stack final : public BuiltIn, private torch::nn::Module {
 public:
  explicit Stack(const LayerList& list) : input_(list.input) {
    Shape shape = input_;
    for (const Layer& layer : list.layers) {
      operations_.push_back(std::visit(
          [&](const auto& part) { return Make(part, shape); }, layer));
      shape = ShapeAfter(layer, shape);
    }
  }

  torch::Tensor Forward(const torch::Tensor& batch) override {
    torch::Tensor x = batch.reshape(BatchShape());
    const Mode mode = is_training() ? Mode::kTraining : Mode::kEvaluation;
    for (const Operation& operation : operations_) {
      x = operation.forward(x, mode);
    }
    return x;
  }
  std::string Source() const override {
    std::string source = "def forward(self, x):\n    x = x.reshape(" +
                         List(BatchShape()) + ")\n";
    for (const Operation& operation : operations_) {
      source += "    x = " + operation.source + "\n";
    }
    return source + "    return x\n";
  }
  Shape InputShape() const override { return input_; }
  void SetMode(Mode mode) override { train(mode == Mode::kTraining); }
  std::vector<NamedTensor> Parameters() override {
    return Named(named_parameters());
  }
  std::vector<NamedTensor> Buffers() override { return Named(named_buffers()); }

 private:
  Shape BatchShape() const {
    Shape shape = input_;
    shape.insert(shape.begin(), -1);
    return shape;
  }

  Tensors Add(const std::string& name, const Shape& weight_shape) {
    return register_module(name, std::make_shared<TensorsImpl>(weight_shape));
  }

  Operation Make(const layer::Linear& linear, const Shape&) {
    const Tensors own = Add(linear.name, {linear.outputs, linear.inputs});
    return {[own](const torch::Tensor& x, Mode) {
              return torch::linear(x, own->weight, own->bias);
            },
            "torch.linear(x, self." + linear.name + ".weight, self." +
                linear.name + ".bias)"};
  }

  Operation Make(const layer::Convolution& convolution, const Shape& shape) {
    const std::size_t dimensions = Dimensions(shape);
    Shape weight_shape(2 + dimensions, convolution.kernel);
    weight_shape[0] = convolution.filters;
    weight_shape[1] = convolution.channels;
    const Tensors own = Add(convolution.name, weight_shape);
    const Shape stride(dimensions, 1);
    const Shape padding(dimensions, convolution.kernel / 2);
    return {
        [own, stride, padding](const torch::Tensor& x, Mode) {
          return torch::convolution(x, own->weight, own->bias, stride, padding,
                                    /*dilation=*/stride, /*transposed=*/false,
                                    /*output_padding=*/Shape(stride.size(), 0),
                                    /*groups=*/1);
        },
        "torch.conv" + std::to_string(dimensions) + "d(x, self." +
            convolution.name + ".weight, self." + convolution.name + ".bias, " +
            List(stride) + ", " + List(padding) + ")"};
  }

  Operation Make(const layer::BatchNorm& norm, const Shape&) {
    const Tensors own = Add(norm.name, {norm.channels});
    own->AddStatistics();
    const std::string self = "self." + norm.name;
    return {[own](const torch::Tensor& x, Mode mode) {
              return torch::batch_norm(x, own->weight, own->bias,
                                       own->running_mean, own->running_var,
                                       mode == Mode::kTraining,
                                       /*momentum=*/0.1, /*eps=*/1e-5,
                                       /*cudnn_enabled=*/true);
            },
            "torch.batch_norm(x, " + self + ".weight, " + self + ".bias, " +
                self + ".running_mean, " + self +
                ".running_var, self.training, 0.1, 1e-5, True)"};
  }

  Operation Make(const layer::Relu&, const Shape&) {
    return {[](const torch::Tensor& x, Mode) { return torch::relu(x); },
            "torch.relu(x)"};
  }

  Operation Make(const layer::Tanh&, const Shape&) {
    return {[](const torch::Tensor& x, Mode) { return torch::tanh(x); },
            "torch.tanh(x)"};
  }

  Operation Make(const layer::MaxPool& pool, const Shape& shape) {
    const Shape window(Dimensions(shape), pool.window);
    return {[window](const torch::Tensor& x, Mode) {
              return window.size() == 1 ? torch::max_pool1d(x, window)
                                        : torch::max_pool2d(x, window);
            },
            "torch.max_pool" + std::to_string(window.size()) + "d(x, " +
                List(window) + ")"};
  }

  Operation Make(const layer::Flatten&, const Shape&) {
    return {[](const torch::Tensor& x, Mode) { return x.flatten(1); },
            "x.flatten(1)"};
  }

  Operation Make(const layer::GlobalMean&, const Shape&) {
    return {[](const torch::Tensor& x, Mode) { return x.flatten(2).mean(2); },
            "x.flatten(2).mean(2)"};
  }

  Operation Make(const layer::TimeFirst&, const Shape&) {
    return {[](const torch::Tensor& x, Mode) { return x.transpose(1, 2); },
            "x.transpose(1, 2)"};
  }

  Operation Make(const layer::Last&, const Shape&) {
    return {[](const torch::Tensor& x, Mode) { return x.select(1, -1); },
            "x.select(1, -1)"};
  }

  Operation Make(const layer::Embedding& embedding, const Shape&) {
    const auto own = register_module(
        embedding.name, std::make_shared<EmbeddingTensors>(embedding));
    return {
        [own, count = embedding.codes](const torch::Tensor& x, Mode) {
          const torch::Tensor codes = x.to(torch::kInt64);
          // LibTorch would not say which codes there are.
          TORCH_CHECK(codes.min().item<std::int64_t>() >= 0 &&
                          codes.max().item<std::int64_t>() < count,
                      "an example holds ", x.min().item<float>(), " to ",
                      x.max().item<float>(),
                      "; the embedding wants codes in 0..", count - 1);
          return torch::embedding(own->weight, codes);
        },
        // 4: int64, as archives have it.
        "torch.embedding(self." + embedding.name + ".weight, torch.to(x, 4))"};
  }

  Operation Make(const layer::Gru& gru, const Shape&) {
    const auto own =
        register_module(gru.name, std::make_shared<GruTensors>(gru));
    std::string tensors;
    for (const std::string& name : own->names) {
      tensors +=
          (tensors.empty() ? "self." : ", self.") + gru.name + "." + name;
    }
    const std::string layers = std::to_string(gru.layers);
    return {
        [own, layers = gru.layers, hidden = gru.hidden](const torch::Tensor& x,
                                                        Mode mode) {
          const torch::Tensor start = x.new_zeros({layers, x.size(0), hidden});
          return std::get<0>(
              torch::gru(x, start, own->all, /*has_biases=*/true, layers,
                         /*dropout=*/0.0, mode == Mode::kTraining,
                         /*bidirectional=*/false, /*batch_first=*/true));
        },
        "torch.gru(x, x.new_zeros([" + layers + ", x.size(0), " +
            std::to_string(gru.hidden) + "]), [" + tensors + "], True, " +
            layers + ", 0.0, self.training, False, True)[0]"};
  }

  const Shape input_;
  std::vector<Operation> operations_;
};

}  // namespace

std::unique_ptr<BuiltIn> MakeStack(const LayerList& list) {
  return std::make_unique<Stack>(list);
}

}  // namespace tributary::torch_internal
