// SPDX-License-Identifier: Apache-2.0
#include "client/torch/network.h"

#include <ATen/Parallel.h>
#include <cblas.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/torch/computation.h"
#include "client/torch/fused_stack.h"
#include "client/torch/guard.h"
#include "client/torch/losses.h"

namespace tributary::torch_internal {
namespace {

using Loss = TrainingOptions::Loss;

// Sums in another order round differently, so the order must not depend on the
// number of cores. Both settings are partly the calling thread's own.
void UseOneThread() {
  static const bool one_pool = [] {
    try {
      at::set_num_interop_threads(1);
    } catch (const std::exception&) {
      // The application has used the pool already; we do not.
    }
    openblas_set_num_threads(1);  // it has threads of its own
    return true;
  }();
  static_cast<void>(one_pool);
  thread_local const bool one_thread = [] {
    at::set_num_threads(1);
    return true;
  }();
  static_cast<void>(one_thread);
}

// LibTorch has one generator for all threads.
std::mutex& GeneratorMutex() {
  static std::mutex mutex;
  return mutex;
}

std::string ShapeText(torch::IntArrayRef shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

// A module can hold one tensor under two names (tied weights). LibTorch loads
// them as two tensors over the same memory.
using Place = std::tuple<const void*, std::vector<std::int64_t>,
                         std::vector<std::int64_t>>;
Place PlaceOf(const torch::Tensor& tensor) {
  return {tensor.data_ptr(), tensor.sizes().vec(), tensor.strides().vec()};
}

// One tensor of the manifest and all module tensors that are views of it.
struct Entry {
  TensorSpec spec;
  std::vector<torch::Tensor> tensors;
};

absl::Status Collect(const std::vector<NamedTensor>& named, bool trainable,
                     std::vector<Entry>& entries) {
  std::vector<std::pair<Place, std::size_t>> places;
  for (const NamedTensor& item : named) {
    const torch::Tensor& tensor = item.tensor;
    if (tensor.scalar_type() != torch::kFloat32 ||
        tensor.layout() != torch::kStrided) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor \"", item.name, "\" is ",
                       torch::toString(tensor.scalar_type()),
                       "; only dense float32 tensors can be trained"));
    }
    if (tensor.numel() > 0) {
      const Place place = PlaceOf(tensor);
      auto same = std::find_if(places.begin(), places.end(),
                               [&](const auto& p) { return p.first == place; });
      if (same != places.end()) {
        entries[same->second].tensors.push_back(tensor);
        continue;
      }
      places.emplace_back(place, entries.size());
    }
    entries.push_back({{item.name, tensor.sizes().vec(), trainable}, {tensor}});
  }
  return absl::OkStatus();
}

void GatherRows(const Dataset& data, std::span<const std::uint32_t> rows,
                std::size_t length, float* out) {
  for (const std::uint32_t row : rows) {
    std::memcpy(out, data.features.data() + row * length,
                length * sizeof(float));
    out += length;
  }
}

}  // namespace

struct Network::State {
  // A parameter, where it lies in the flat vector and where its gradient does.
  struct Trainable {
    torch::Tensor parameter, weights, gradient;
  };

  std::unique_ptr<Computation> computation;
  LayerList list;                     // empty for an archive
  std::unique_ptr<FusedStack> fused;  // null if there is no such path
  Manifest manifest;
  torch::Tensor flat;
  torch::Tensor gradient;
  std::vector<Trainable> trainable;
  // Not shared, such as BatchNorm's batch counter: (tensor, first value).
  std::vector<std::pair<torch::Tensor, torch::Tensor>> local;
  std::optional<KeyedStream> generator_seeds;  // for networks with dropout
  std::optional<Mode> mode;
  Shape input_shape;
  std::vector<float> targets;  // of the batch

  absl::Status Flatten();
  void Become(Mode wanted);
  absl::StatusOr<std::size_t> ExampleLength(const Dataset& data) const;
  absl::StatusOr<torch::Tensor> Inputs(const Dataset& data,
                                       std::span<const std::uint32_t> rows);
  absl::StatusOr<torch::Tensor> Outputs(const torch::Tensor& inputs,
                                        std::size_t rows);
  absl::Status GatherTargets(const Dataset& data,
                             std::span<const std::uint32_t> rows,
                             std::span<const std::int64_t> outputs, Loss loss);
  absl::StatusOr<double> Backpropagate(const Dataset& data,
                                       std::span<const std::uint32_t> rows,
                                       Loss loss);
  absl::StatusOr<std::span<const float>> ForwardFused(
      const Dataset& data, std::span<const std::uint32_t> rows, Loss loss);
};

// Re-points every tensor at its part of the flat one, keeping its value.
absl::Status Network::State::Flatten() {
  std::vector<NamedTensor> parameters, fixed;
  for (NamedTensor& item : computation->Parameters()) {
    (item.tensor.requires_grad() ? parameters : fixed)
        .push_back(std::move(item));
  }
  for (NamedTensor& item : computation->Buffers()) {
    if (item.tensor.scalar_type() == torch::kFloat32) {
      fixed.push_back(std::move(item));
    } else {
      local.emplace_back(item.tensor, item.tensor.detach().clone());
    }
  }
  std::vector<Entry> entries;
  if (auto status = Collect(parameters, true, entries); !status.ok()) {
    return status;
  }
  if (entries.empty()) {
    return absl::InvalidArgumentError("the model has no trainable parameter");
  }
  if (auto status = Collect(fixed, false, entries); !status.ok()) {
    return status;
  }
  std::vector<TensorSpec> specs;
  for (const Entry& entry : entries) specs.push_back(entry.spec);
  manifest = Manifest(std::move(specs));
  if (auto status = manifest.Validate(); !status.ok()) return status;

  flat = torch::zeros({static_cast<std::int64_t>(manifest.Length())});
  gradient =
      torch::zeros({static_cast<std::int64_t>(manifest.TrainableLength())});
  std::int64_t offset = 0;
  for (Entry& entry : entries) {
    const auto size = static_cast<std::int64_t>(entry.spec.Size());
    torch::Tensor view = flat.narrow(0, offset, size).view(entry.spec.shape);
    view.copy_(entry.tensors.front().detach());
    for (torch::Tensor& tensor : entry.tensors) {
      tensor.set_data(view);
      if (!entry.spec.trainable) continue;
      trainable.push_back(
          {tensor, view,
           gradient.narrow(0, offset, size).view(entry.spec.shape)});
    }
    offset += size;
  }
  return absl::OkStatus();
}

void Network::State::Become(Mode wanted) {
  if (mode == wanted) return;
  computation->SetMode(wanted);
  mode = wanted;
}

absl::StatusOr<std::size_t> Network::State::ExampleLength(
    const Dataset& data) const {
  const std::int64_t length = Count(data.example_shape);
  if (length <= 0 ||
      data.features.size() != data.Size() * static_cast<std::size_t>(length)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the data set holds ", data.features.size(), " features for ",
        data.Size(), " examples of shape ", ShapeText(data.example_shape)));
  }
  const std::int64_t wanted = Count(input_shape);
  if (!input_shape.empty() && wanted != length) {
    return absl::InvalidArgumentError(absl::StrCat(
        "an example has shape ", ShapeText(data.example_shape), ", ", length,
        " values; the model wants ", ShapeText(input_shape), ", ", wanted));
  }
  return static_cast<std::size_t>(length);
}

absl::StatusOr<torch::Tensor> Network::State::Inputs(
    const Dataset& data, std::span<const std::uint32_t> rows) {
  const auto length = ExampleLength(data);
  if (!length.ok()) return length.status();
  Shape shape = input_shape.empty() ? data.example_shape : input_shape;
  shape.insert(shape.begin(), static_cast<std::int64_t>(rows.size()));
  torch::Tensor inputs = torch::empty(shape);
  GatherRows(data, rows, *length, inputs.data_ptr<float>());
  return inputs;
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

absl::Status Network::State::GatherTargets(
    const Dataset& data, std::span<const std::uint32_t> rows,
    std::span<const std::int64_t> outputs, Loss loss) {
  const torch::IntArrayRef shape(outputs.data(), outputs.size());
  if (loss == Loss::kReconstruction) {
    const auto length = ExampleLength(data);
    if (!length.ok()) return length.status();
    targets.resize(rows.size() * *length);
    if (Count({outputs.begin(), outputs.end()}) !=
        static_cast<std::int64_t>(targets.size())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "reconstruction wants an output for each of the ", *length,
          " features of an example, the model gives ", ShapeText(shape)));
    }
    GatherRows(data, rows, *length, targets.data());
    return absl::OkStatus();
  }
  float highest = 1;  // over all targets of this loss
  if (loss == Loss::kCrossEntropy) {
    if (outputs.size() != 2) {
      return absl::InvalidArgumentError(
          absl::StrCat("cross_entropy wants outputs [examples, classes], the "
                       "model gives ",
                       ShapeText(shape)));
    }
    highest = static_cast<float>(outputs[1]);
  } else if (Count({outputs.begin(), outputs.end()}) !=
             static_cast<std::int64_t>(rows.size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        loss == Loss::kMse ? "mse" : "bce",
        " wants one output an example, the model gives ", ShapeText(shape)));
  }
  targets.resize(rows.size());
  float* out = targets.data();
  for (const std::uint32_t row : rows) {
    const float target = data.targets[row];
    if (loss == Loss::kCrossEntropy &&
        (!(target >= 0 && target < highest) ||
         target != static_cast<float>(static_cast<std::int64_t>(target)))) {
      return absl::InvalidArgumentError(
          absl::StrCat("row ", row, " (from 0): target ", target,
                       " is not a class in 0..", outputs[1] - 1));
    }
    if (loss == Loss::kBce && !(target >= 0 && target <= highest)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "row ", row, " (from 0): target ", target, " is not in 0..1"));
    }
    *out++ = target;
  }
  return absl::OkStatus();
}

namespace {

torch::Tensor MeanLoss(const torch::Tensor& outputs, std::vector<float>& values,
                       Loss loss) {
  const torch::Tensor targets = torch::from_blob(
      values.data(), {static_cast<std::int64_t>(values.size())});
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

double MeanLoss(std::span<const float> outputs, std::span<const float> targets,
                Loss loss, std::span<float> gradient) {
  switch (loss) {
    case Loss::kCrossEntropy:
      return CrossEntropy(outputs, targets, gradient);
    case Loss::kMse:
    case Loss::kReconstruction:
      return SquaredError(outputs, targets, gradient);
    case Loss::kBce:
      return BinaryCrossEntropy(outputs, targets, gradient);
  }
  return 0;
}

// The largest output is the target's, or the logit is on its side.
std::uint64_t CountCorrect(std::span<const float> outputs,
                           std::span<const float> targets, Loss loss) {
  if (loss == Loss::kMse || loss == Loss::kReconstruction) return 0;
  const std::size_t width = outputs.size() / targets.size();
  std::uint64_t correct = 0;
  for (std::size_t row = 0; row < targets.size(); ++row) {
    const auto o = outputs.subspan(row * width, width);
    if (loss == Loss::kBce) {
      correct += (o[0] > 0) == (targets[row] > 0.5f);
    } else {
      correct += std::max_element(o.begin(), o.end()) - o.begin() ==
                 static_cast<std::ptrdiff_t>(targets[row]);
    }
  }
  return correct;
}

std::vector<float> Scores(std::span<const float> outputs,
                          std::span<const float> targets, std::size_t examples,
                          Loss loss) {
  if (loss == Loss::kBce) return {outputs.begin(), outputs.end()};
  if (loss != Loss::kReconstruction) return {};
  std::vector<float> scores;
  const std::size_t width = outputs.size() / examples;
  for (std::size_t at = 0; at < outputs.size(); at += width) {
    scores.push_back(static_cast<float>(SquaredError(
        outputs.subspan(at, width), targets.subspan(at, width), {})));
  }
  return scores;
}

}  // namespace

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
  if (auto status = GatherTargets(data, rows, outputs->sizes(), loss);
      !status.ok()) {
    return status;
  }
  const torch::Tensor mean_loss = MeanLoss(*outputs, targets, loss);
  mean_loss.backward();
  return mean_loss.item<double>();
}

absl::StatusOr<std::span<const float>> Network::State::ForwardFused(
    const Dataset& data, std::span<const std::uint32_t> rows, Loss loss) {
  const auto length = ExampleLength(data);
  if (!length.ok()) return length.status();
  const auto count = static_cast<std::int64_t>(rows.size());
  Shape shape = fused->output();
  const auto width = static_cast<std::size_t>(Count(shape));
  shape.insert(shape.begin(), count);
  if (auto status = GatherTargets(data, rows, shape, loss); !status.ok()) {
    return status;
  }
  GatherRows(data, rows, *length, fused->Inputs(count));
  return std::span(fused->Forward(count), rows.size() * width);
}

Network::Network(std::unique_ptr<State> state) : state_(std::move(state)) {}
Network::~Network() = default;

absl::StatusOr<std::unique_ptr<Network>> Network::Build(
    const v1::Architecture& architecture,
    const std::filesystem::path& archive) {
  auto state = std::make_unique<State>();
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
    absl::Status loaded = Guarded(what, [&] {
      state->computation = LoadArchive(archive.string());
      return absl::OkStatus();
    });
    if (!loaded.ok()) return loaded;
    return Finish(what, std::move(state));
  }
  const LayerList list = LayersOf(architecture);
  if (list.layers.empty()) {
    return absl::InvalidArgumentError("the model names no architecture");
  }
  return Build(list);
}

absl::StatusOr<std::unique_ptr<Network>> Network::Build(const LayerList& list) {
  auto state = std::make_unique<State>();
  state->list = list;
  absl::Status made = Guarded("model", [&] {
    state->computation = MakeStack(list);
    return absl::OkStatus();
  });
  if (!made.ok()) return made;
  return Finish("model", std::move(state));
}

absl::StatusOr<std::unique_ptr<Network>> Network::Finish(
    const std::string& what, std::unique_ptr<State> state) {
  absl::Status finished = Guarded(what, [&]() -> absl::Status {
    state->input_shape = state->computation->InputShape();
    if (auto status = state->Flatten(); !status.ok()) return status;
    state->fused = FusedStack::Make(state->list, state->manifest,
                                    state->flat.data_ptr<float>());
    return absl::OkStatus();
  });
  if (!finished.ok()) return finished;
  return std::unique_ptr<Network>(new Network(std::move(state)));
}

const Manifest& Network::manifest() const { return state_->manifest; }

std::span<float> Network::weights() {
  return {state_->flat.data_ptr<float>(), state_->manifest.Length()};
}

std::span<const float> Network::gradient() const {
  return {state_->gradient.data_ptr<float>(),
          state_->manifest.TrainableLength()};
}

void Network::BeginTask(const Key& seed) {
  torch::NoGradGuard no_gradient;
  for (auto& [tensor, first] : state_->local) tensor.copy_(first);
  if (state_->computation->DrawsRandom()) {
    state_->generator_seeds.emplace(seed, "dropout");
  }
}

absl::StatusOr<double> Network::Differentiate(
    const Dataset& data, std::span<const std::uint32_t> rows, Loss loss) {
  UseOneThread();
  return Guarded("training", [&]() -> absl::StatusOr<double> {
    state_->gradient.zero_();
    for (State::Trainable& own : state_->trainable) {
      own.parameter.mutable_grad() = own.gradient;
    }
    return state_->Backpropagate(data, rows, loss);
  });
}

bool Network::Descends(const TrainingOptions& options) const {
  const bool is_plain = options.optimizer == TrainingOptions::Optimizer::kSgd &&
                        options.momentum == 0;
  return is_plain && (state_->fused != nullptr ||
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
    for (State::Trainable& own : state_->trainable) {
      own.parameter.mutable_grad() = torch::Tensor();
    }
    const auto mean = state_->Backpropagate(data, rows, loss);
    if (!mean.ok()) return mean;
    torch::NoGradGuard no_gradient;
    for (State::Trainable& own : state_->trainable) {
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
    const auto examples = static_cast<double>(rows.size());
    if (state_->fused != nullptr) {
      const auto outputs = state_->ForwardFused(data, rows, loss);
      if (!outputs.ok()) return outputs.status();
      return Judgement{MeanLoss(*outputs, state_->targets, loss, {}) * examples,
                       CountCorrect(*outputs, state_->targets, loss),
                       Scores(*outputs, state_->targets, rows.size(), loss)};
    }
    auto inputs = state_->Inputs(data, rows);
    if (!inputs.ok()) return inputs.status();
    state_->Become(Mode::kEvaluation);
    auto outputs = state_->Outputs(*inputs, rows.size());
    if (!outputs.ok()) return outputs.status();
    if (auto status = state_->GatherTargets(data, rows, outputs->sizes(), loss);
        !status.ok()) {
      return status;
    }
    const torch::Tensor ordered = outputs->contiguous();
    const std::span<const float> plain(
        ordered.data_ptr<float>(), static_cast<std::size_t>(ordered.numel()));
    return Judgement{
        MeanLoss(*outputs, state_->targets, loss).item<double>() * examples,
        CountCorrect(plain, state_->targets, loss),
        Scores(plain, state_->targets, rows.size(), loss)};
  });
}

absl::Status CheckManifest(const Manifest& arrived, const Manifest& own) {
  if (arrived == own) return absl::OkStatus();
  const auto& a = arrived.tensors();
  const auto& b = own.tensors();
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const std::string where =
        absl::StrCat("tensor ", i, ": the model has \"", a[i].name, "\"");
    if (a[i].name != b[i].name) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ", the architecture wants \"", b[i].name, "\""));
    }
    if (a[i].shape != b[i].shape) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, " of shape ", ShapeText(a[i].shape),
                       ", the architecture wants ", ShapeText(b[i].shape)));
    }
    if (a[i].trainable != b[i].trainable) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, " as a ", a[i].trainable ? "parameter" : "buffer",
                       ", the architecture has it as a ",
                       b[i].trainable ? "parameter" : "buffer"));
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the model has ", a.size(), " tensors, the architecture ", b.size()));
}

}  // namespace tributary::torch_internal
