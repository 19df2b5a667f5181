// SPDX-License-Identifier: Apache-2.0
#include "client/torch/network.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <functional>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/torch/batch.h"
#include "client/torch/computation.h"
#include "client/torch/determinism.h"
#include "client/torch/flat_tensors.h"
#include "client/torch/fused_stack.h"
#include "client/torch/guard.h"

namespace tributary::torch_internal {
namespace {

using Loss = TrainingOptions::Loss;

torch::Tensor MeanLoss(const torch::Tensor& outputs, std::vector<float>& values,
                       Loss loss) {
  const torch::Tensor targets =
      torch::from_blob(values.data(),
                       {static_cast<std::int64_t>(values.size())})
          .to(outputs.device());
  switch (loss) {
    case Loss::kCrossEntropy:
      return torch::cross_entropy_loss(outputs, targets.to(torch::kInt64));
    case Loss::kMse:
    case Loss::kReconstruction:
      return torch::mse_loss(outputs, targets.view(outputs.sizes()));
    case Loss::kBce:
      return torch::binary_cross_entropy_with_logits(
          outputs, targets.view(outputs.sizes()));
  }
  return {};
}

}  // namespace

struct Network::State {
  explicit State(Placement where)
      : placement(std::move(where)), device(placement.device) {}

  const Placement placement;
  const torch::Device device;
  std::unique_ptr<Computation> computation;
  LayerList list;                     // empty for an archive
  std::unique_ptr<FusedStack> fused;  // null if there is no such path
  FlatTensors own;
  torch::Tensor host;  // own.flat, or a copy of it in the host's memory
  std::optional<KeyedStream> generator_seeds;  // for networks with dropout
  std::optional<Mode> mode;
  Shape input_shape;
  std::vector<float> targets;  // of the batch

  bool TrainsOnHost() const {
    return placement.memory == Placement::Memory::kHost;
  }
  void Become(Mode wanted);
  absl::StatusOr<torch::Tensor> Inputs(const Dataset& data,
                                       std::span<const std::uint32_t> rows);
  absl::StatusOr<torch::Tensor> Outputs(const torch::Tensor& inputs,
                                        std::size_t rows);
  absl::Status Targets(const Dataset& data, std::span<const std::uint32_t> rows,
                       std::span<const std::int64_t> outputs, Loss loss);
  absl::StatusOr<double> Backpropagate(const Dataset& data,
                                       std::span<const std::uint32_t> rows,
                                       Loss loss);
  absl::StatusOr<std::span<const float>> ForwardFused(
      const Dataset& data, std::span<const std::uint32_t> rows, Loss loss);
};

void Network::State::Become(Mode wanted) {
  if (mode == wanted) return;
  computation->SetMode(wanted);
  mode = wanted;
}

absl::StatusOr<torch::Tensor> Network::State::Inputs(
    const Dataset& data, std::span<const std::uint32_t> rows) {
  const auto length = ExampleLength(data, input_shape);
  if (!length.ok()) return length.status();
  Shape shape = input_shape.empty() ? data.example_shape : input_shape;
  shape.insert(shape.begin(), static_cast<std::int64_t>(rows.size()));
  torch::Tensor inputs = torch::empty(shape);
  GatherRows(data, rows, *length, inputs.data_ptr<float>());
  return inputs.to(device);
}

absl::StatusOr<torch::Tensor> Network::State::Outputs(
    const torch::Tensor& inputs, std::size_t rows) {
  torch::Tensor outputs = computation->Forward(inputs);
  if (outputs.dim() < 1 || outputs.scalar_type() != torch::kFloat32 ||
      outputs.size(0) != static_cast<std::int64_t>(rows)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the model gives ", torch::toString(outputs.scalar_type()), " ",
        ShapeText(outputs.sizes()), " for ", rows,
        " examples; it must give float32 with one row an example"));
  }
  return outputs;
}

absl::Status Network::State::Targets(const Dataset& data,
                                     std::span<const std::uint32_t> rows,
                                     std::span<const std::int64_t> outputs,
                                     Loss loss) {
  return GatherTargets(data, rows, input_shape, outputs, loss, targets);
}

absl::StatusOr<double> Network::State::Backpropagate(
    const Dataset& data, std::span<const std::uint32_t> rows, Loss loss) {
  auto inputs = Inputs(data, rows);
  if (!inputs.ok()) return inputs.status();
  std::unique_lock<std::mutex> generator;
  if (generator_seeds.has_value()) {
    generator = std::unique_lock(GeneratorMutex());
    torch::manual_seed(generator_seeds->Word());
  }
  Become(Mode::kTraining);
  auto outputs = Outputs(*inputs, rows.size());
  if (!outputs.ok()) return outputs.status();
  if (auto status = Targets(data, rows, outputs->sizes(), loss); !status.ok()) {
    return status;
  }
  const torch::Tensor mean_loss = MeanLoss(*outputs, targets, loss);
  mean_loss.backward();
  return mean_loss.item<double>();
}

absl::StatusOr<std::span<const float>> Network::State::ForwardFused(
    const Dataset& data, std::span<const std::uint32_t> rows, Loss loss) {
  const auto length = ExampleLength(data, input_shape);
  if (!length.ok()) return length.status();
  const auto count = static_cast<std::int64_t>(rows.size());
  Shape shape = fused->output();
  const auto width = static_cast<std::size_t>(Count(shape));
  shape.insert(shape.begin(), count);
  if (auto status = Targets(data, rows, shape, loss); !status.ok()) {
    return status;
  }
  GatherRows(data, rows, *length, fused->Inputs(count));
  return std::span(fused->Forward(count), rows.size() * width);
}

Network::Network(std::unique_ptr<State> state) : state_(std::move(state)) {}
Network::~Network() = default;

absl::StatusOr<std::unique_ptr<Network>> Network::Build(
    const v1::Architecture& architecture, const std::filesystem::path& archive,
    const Placement& placement) {
  const bool from_archive =
      architecture.kind_case() == v1::Architecture::kTorchscript;
  if (from_archive) {
    std::error_code error;
    const std::uint64_t size = std::filesystem::file_size(archive, error);
    if (error) {
      return absl::NotFoundError(absl::StrCat(
          "TorchScript archive ", archive.string(), ": ", error.message()));
    }
    if (size > kMaxArchiveBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("TorchScript archive ", archive.string(), " has ", size,
                       " bytes, over the limit of ", kMaxArchiveBytes));
    }
  }
  if (from_archive) {
    const std::string what = "TorchScript archive " + archive.string();
    return Make(what, placement, [&](State& state) {
      state.computation = LoadArchive(archive.string(), state.device);
    });
  }
  const LayerList list = LayersOf(architecture);
  if (list.layers.empty()) {
    return absl::InvalidArgumentError("the model names no architecture");
  }
  return Build(list, placement);
}

absl::StatusOr<std::unique_ptr<Network>> Network::Build(
    const LayerList& list, const Placement& placement) {
  return Make("model", placement, [&](State& state) {
    state.list = list;
    state.computation = MakeStack(list);
  });
}

absl::StatusOr<std::unique_ptr<Network>> Network::Make(
    const std::string& what, const Placement& placement,
    const std::function<void(State&)>& compute) {
  std::unique_ptr<State> state;
  absl::Status made = Guarded(what, [&]() -> absl::Status {
    if (placement.memory == Placement::Memory::kDevice) UseOneOrder();
    state = std::make_unique<State>(placement);
    compute(*state);
    state->input_shape = state->computation->InputShape();
    auto own = Flatten(*state->computation, state->device);
    if (!own.ok()) return own.status();
    state->own = *std::move(own);
    if (!state->TrainsOnHost()) {
      state->host = state->own.flat.to(torch::kCPU, torch::kFloat32,
                                       /*non_blocking=*/false, /*copy=*/true);
      return absl::OkStatus();
    }
    state->host = state->own.flat;
    state->fused = FusedStack::Make(state->list, state->own.manifest,
                                    state->own.flat.data_ptr<float>());
    return absl::OkStatus();
  });
  if (!made.ok()) return made;
  return std::unique_ptr<Network>(new Network(std::move(state)));
}

const Manifest& Network::manifest() const { return state_->own.manifest; }

std::span<float> Network::weights() {
  return {state_->host.data_ptr<float>(), state_->own.manifest.Length()};
}

absl::Status Network::Upload() {
  return Guarded("to the device", [&] {
    torch::NoGradGuard no_gradient;
    if (!state_->TrainsOnHost()) state_->own.flat.copy_(state_->host);
    return absl::OkStatus();
  });
}

absl::Status Network::Download() {
  return Guarded("from the device", [&] {
    torch::NoGradGuard no_gradient;
    if (!state_->TrainsOnHost()) state_->host.copy_(state_->own.flat);
    return absl::OkStatus();
  });
}

const FlatTensors& Network::tensors() const { return state_->own; }
const Placement& Network::placement() const { return state_->placement; }

std::span<const float> Network::gradient() const {
  return {state_->own.gradient.data_ptr<float>(),
          state_->own.manifest.TrainableLength()};
}

void Network::BeginTask(const Key& seed) {
  torch::NoGradGuard no_gradient;
  for (auto& [tensor, first] : state_->own.local) tensor.copy_(first);
  if (state_->computation->DrawsRandom()) {
    state_->generator_seeds.emplace(seed, "dropout");
  }
}

absl::StatusOr<double> Network::Differentiate(
    const Dataset& data, std::span<const std::uint32_t> rows, Loss loss) {
  UseOneThread();
  return Guarded("training", [&]() -> absl::StatusOr<double> {
    state_->own.gradient.zero_();
    for (FlatTensors::Trainable& own : state_->own.trainable) {
      own.parameter.mutable_grad() = own.gradient;
    }
    return state_->Backpropagate(data, rows, loss);
  });
}

bool Network::Descends(const TrainingOptions& options) const {
  const bool is_plain = options.optimizer == TrainingOptions::Optimizer::kSgd &&
                        options.momentum == 0;
  return is_plain && state_->TrainsOnHost() &&
         (state_->fused != nullptr ||
          (options.weight_decay == 0 && options.proximal_mu == 0));
}

absl::StatusOr<double> Network::Descend(const Dataset& data,
                                        std::span<const std::uint32_t> rows,
                                        Loss loss, const Descent& descent) {
  UseOneThread();
  return Guarded("training", [&]() -> absl::StatusOr<double> {
    if (state_->fused != nullptr) {
      torch::NoGradGuard no_gradient;
      const auto outputs = state_->ForwardFused(data, rows, loss);
      if (!outputs.ok()) return outputs.status();
      const double mean =
          MeanLoss(*outputs, state_->targets, loss,
                   {state_->fused->OutputGradient(), outputs->size()});
      state_->fused->Descend(descent);
      return mean;
    }
    // Autograd hands over the gradients it made; flat ones would be a zeroing
    // and an addition more.
    for (FlatTensors::Trainable& own : state_->own.trainable) {
      own.parameter.mutable_grad() = torch::Tensor();
    }
    const auto mean = state_->Backpropagate(data, rows, loss);
    if (!mean.ok()) return mean;
    torch::NoGradGuard no_gradient;
    for (FlatTensors::Trainable& own : state_->own.trainable) {
      const torch::Tensor& gradient = own.parameter.grad();
      if (gradient.defined()) own.weights.sub_(gradient, descent.rate);
    }
    return mean;
  });
}

absl::StatusOr<Judgement> Network::Judge(const Dataset& data,
                                         std::span<const std::uint32_t> rows,
                                         Loss loss) {
  UseOneThread();
  return Guarded("evaluation", [&]() -> absl::StatusOr<Judgement> {
    torch::NoGradGuard no_gradient;
    if (state_->fused != nullptr) {
      const auto outputs = state_->ForwardFused(data, rows, loss);
      if (!outputs.ok()) return outputs.status();
      return JudgementOf(*outputs, state_->targets, rows.size(), loss,
                         MeanLoss(*outputs, state_->targets, loss, {}));
    }
    auto inputs = state_->Inputs(data, rows);
    if (!inputs.ok()) return inputs.status();
    state_->Become(Mode::kEvaluation);
    auto outputs = state_->Outputs(*inputs, rows.size());
    if (!outputs.ok()) return outputs.status();
    if (auto status = state_->Targets(data, rows, outputs->sizes(), loss);
        !status.ok()) {
      return status;
    }
    const torch::Tensor ordered = outputs->contiguous().cpu();
    const std::span<const float> plain(
        ordered.data_ptr<float>(), static_cast<std::size_t>(ordered.numel()));
    return JudgementOf(
        plain, state_->targets, rows.size(), loss,
        MeanLoss(*outputs, state_->targets, loss).item<double>());
  });
}

}  // namespace tributary::torch_internal
