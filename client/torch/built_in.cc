// SPDX-License-Identifier: Apache-2.0
#include <torch/nn/module.h>

#include "client/torch/computation.h"

namespace tributary::torch_internal {
namespace {

// Weight and bias of a linear or convolution layer. Starts at zero: first
// weights are ours to draw (client/torch/weights.h).
struct LayerImpl : torch::nn::Module {
  explicit LayerImpl(torch::IntArrayRef shape) {
    weight = register_parameter("weight", torch::zeros(shape));
    bias = register_parameter("bias", torch::zeros({shape[0]}));
  }
  torch::Tensor weight, bias;
};
using Layer = std::shared_ptr<LayerImpl>;

// BatchNorm over channels, momentum 0.1 and epsilon 1e-5 as in PyTorch.
struct NormImpl : torch::nn::Module {
  explicit NormImpl(std::int64_t channels) {
    weight = register_parameter("weight", torch::zeros({channels}));
    bias = register_parameter("bias", torch::zeros({channels}));
    running_mean = register_buffer("running_mean", torch::zeros({channels}));
    running_var = register_buffer("running_var", torch::zeros({channels}));
  }
  torch::Tensor weight, bias, running_mean, running_var;
};
using Norm = std::shared_ptr<NormImpl>;

template <typename Pairs>
std::vector<NamedTensor> Named(const Pairs& pairs) {
  std::vector<NamedTensor> named;
  for (const auto& pair : pairs) named.push_back({pair.key(), pair.value()});
  return named;
}

class ModuleBuiltIn : public BuiltIn, protected torch::nn::Module {
 public:
  void SetMode(Mode mode) override { train(mode == Mode::kTraining); }
  std::vector<NamedTensor> Parameters() override {
    return Named(named_parameters());
  }
  std::vector<NamedTensor> Buffers() override { return Named(named_buffers()); }

 protected:
  Layer AddLayer(const std::string& name, torch::IntArrayRef shape) {
    return register_module(name, std::make_shared<LayerImpl>(shape));
  }
  Norm AddNorm(const std::string& name, std::int64_t channels) {
    return register_module(name, std::make_shared<NormImpl>(channels));
  }
};

std::string Number(std::int64_t value) { return std::to_string(value); }

// Linear and Mlp: layers hidden1, hidden2, ..., output with ReLU between them.
class FullyConnected : public ModuleBuiltIn {
 public:
  FullyConnected(std::int64_t inputs, const std::vector<std::int64_t>& hidden,
                 std::int64_t outputs)
      : inputs_(inputs) {
    std::int64_t width = inputs;
    for (std::size_t i = 0; i < hidden.size(); ++i) {
      names_.push_back("hidden" + std::to_string(i + 1));
      layers_.push_back(AddLayer(names_.back(), {hidden[i], width}));
      width = hidden[i];
    }
    names_.push_back("output");
    layers_.push_back(AddLayer("output", {outputs, width}));
  }

  torch::Tensor Forward(const torch::Tensor& batch) override {
    torch::Tensor x = batch.reshape({-1, inputs_});
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      if (i > 0) x = torch::relu(x);
      x = torch::linear(x, layers_[i]->weight, layers_[i]->bias);
    }
    return x;
  }
  std::string Source() const override {
    std::string source = "def forward(self, x):\n    x = x.reshape([-1, " +
                         Number(inputs_) + "])\n";
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (i > 0) source += "    x = torch.relu(x)\n";
      source += "    x = torch.linear(x, self." + names_[i] + ".weight, self." +
                names_[i] + ".bias)\n";
    }
    return source + "    return x\n";
  }
  std::vector<std::int64_t> InputShape() const override { return {inputs_}; }

 private:
  std::int64_t inputs_;
  std::vector<std::string> names_;
  std::vector<Layer> layers_;
};

class FedAvgCnn : public ModuleBuiltIn {
 public:
  explicit FedAvgCnn(const v1::Architecture::FedAvgCnn& plan)
      : channels_(plan.channels() > 0 ? plan.channels() : 1),
        height_(plan.height() > 0 ? plan.height() : 28),
        width_(plan.width() > 0 ? plan.width() : 28),
        conv1_(AddLayer("conv1", {32, channels_, 5, 5})),
        conv2_(AddLayer("conv2", {64, 32, 5, 5})),
        hidden_(AddLayer("hidden", {512, 64 * (height_ / 4) * (width_ / 4)})),
        output_(AddLayer("output",
                         {plan.outputs() > 0 ? plan.outputs() : 10, 512})) {}

  torch::Tensor Forward(const torch::Tensor& batch) override {
    torch::Tensor x = batch.reshape({-1, channels_, height_, width_});
    for (const Layer& conv : {conv1_, conv2_}) {
      x = torch::conv2d(x, conv->weight, conv->bias, /*stride=*/1,
                        /*padding=*/2);
      x = torch::max_pool2d(torch::relu(x), /*kernel_size=*/2);
    }
    x = torch::linear(x.flatten(1), hidden_->weight, hidden_->bias);
    return torch::linear(torch::relu(x), output_->weight, output_->bias);
  }
  std::string Source() const override {
    std::string source = "def forward(self, x):\n    x = x.reshape([-1, " +
                         Number(channels_) + ", " + Number(height_) + ", " +
                         Number(width_) + "])\n";
    for (const char* conv : {"conv1", "conv2"}) {
      source += std::string("    x = torch.conv2d(x, self.") + conv +
                ".weight, self." + conv + ".bias, [1, 1], [2, 2])\n" +
                "    x = torch.max_pool2d(torch.relu(x), [2, 2])\n";
    }
    return source +
           "    x = torch.linear(x.flatten(1), "
           "self.hidden.weight, self.hidden.bias)\n"
           "    return torch.linear(torch.relu(x), "
           "self.output.weight, self.output.bias)\n";
  }
  std::vector<std::int64_t> InputShape() const override {
    return {channels_, height_, width_};
  }

 private:
  std::int64_t channels_, height_, width_;
  Layer conv1_, conv2_, hidden_, output_;
};

// Kernels of 5 samples; 32, then 64 channels. The convolutions have a bias that
// BatchNorm makes idle, so that a layer is always a weight and a bias.
class Conv1d : public ModuleBuiltIn {
 public:
  explicit Conv1d(const v1::Architecture::Conv1d& plan)
      : channels_(plan.channels()),
        length_(plan.length()),
        conv1_(AddLayer("conv1", {32, channels_, 5})),
        norm1_(AddNorm("norm1", 32)),
        conv2_(AddLayer("conv2", {64, 32, 5})),
        norm2_(AddNorm("norm2", 64)),
        output_(AddLayer("output", {plan.outputs(), 64})) {}

  torch::Tensor Forward(const torch::Tensor& batch) override {
    torch::Tensor x = batch.reshape({-1, channels_, length_});
    x = Block(x, *conv1_, *norm1_);
    x = Block(x, *conv2_, *norm2_);
    return torch::linear(x.mean(2), output_->weight, output_->bias);
  }
  std::string Source() const override {
    std::string source = "def forward(self, x):\n    x = x.reshape([-1, " +
                         Number(channels_) + ", " + Number(length_) + "])\n";
    for (const std::string block : {"1", "2"}) {
      const std::string conv = "self.conv" + block, norm = "self.norm" + block;
      source += "    x = torch.conv1d(x, " + conv + ".weight, " + conv +
                ".bias, [1], [2])\n    x = torch.batch_norm(x, " + norm +
                ".weight, " + norm + ".bias, " + norm + ".running_mean, " +
                norm + ".running_var, self.training, 0.1, 1e-5, True)\n" +
                "    x = torch.max_pool1d(torch.relu(x), [2])\n";
    }
    return source +
           "    return torch.linear(x.mean(2), "
           "self.output.weight, self.output.bias)\n";
  }
  std::vector<std::int64_t> InputShape() const override {
    return {channels_, length_};
  }

 private:
  torch::Tensor Block(const torch::Tensor& input, const LayerImpl& conv,
                      const NormImpl& norm) const {
    torch::Tensor x = torch::conv1d(input, conv.weight, conv.bias,
                                    /*stride=*/1, /*padding=*/2);
    x = torch::batch_norm(x, norm.weight, norm.bias, norm.running_mean,
                          norm.running_var, is_training(), /*momentum=*/0.1,
                          /*eps=*/1e-5, /*cudnn_enabled=*/true);
    return torch::max_pool1d(torch::relu(x), /*kernel_size=*/2);
  }

  std::int64_t channels_, length_;
  Layer conv1_;
  Norm norm1_;
  Layer conv2_;
  Norm norm2_;
  Layer output_;
};

}  // namespace

std::unique_ptr<BuiltIn> MakeBuiltIn(const v1::Architecture& architecture) {
  switch (architecture.kind_case()) {
    case v1::Architecture::kLinear:
      return std::make_unique<FullyConnected>(architecture.linear().inputs(),
                                              std::vector<std::int64_t>{},
                                              architecture.linear().outputs());
    case v1::Architecture::kMlp:
      return std::make_unique<FullyConnected>(
          architecture.mlp().inputs(),
          std::vector<std::int64_t>(architecture.mlp().hidden().begin(),
                                    architecture.mlp().hidden().end()),
          architecture.mlp().outputs());
    case v1::Architecture::kFedavgCnn:
      return std::make_unique<FedAvgCnn>(architecture.fedavg_cnn());
    case v1::Architecture::kConv1D:
      return std::make_unique<Conv1d>(architecture.conv1d());
    case v1::Architecture::kTorchscript:
    case v1::Architecture::KIND_NOT_SET:
      break;
  }
  return nullptr;
}

}  // namespace tributary::torch_internal
