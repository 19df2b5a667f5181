// SPDX-License-Identifier: Apache-2.0
#include "client/torch/network.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
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
#include "client/torch/guard.h"

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
    // OpenBLAS, if that is the BLAS behind LibTorch, has threads of its own.
    using Setter = void (*)(int);
    if (void* found = dlsym(RTLD_DEFAULT, "openblas_set_num_threads")) {
      reinterpret_cast<Setter>(found)(1);
    }
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

}  // namespace

struct Network::State {
  std::unique_ptr<Computation> computation;
  Manifest manifest;
  torch::Tensor flat;
  torch::Tensor gradient;
  // Not shared, such as BatchNorm's batch counter: (tensor, first value).
  std::vector<std::pair<torch::Tensor, torch::Tensor>> local;
  std::optional<KeyedStream> generator_seeds;  // for networks with dropout
  std::vector<std::int64_t> input_shape;

  absl::Status Flatten();
  absl::StatusOr<torch::Tensor> Inputs(const Dataset& data,
                                       std::span<const std::uint32_t> rows);
  absl::StatusOr<torch::Tensor> Outputs(const torch::Tensor& inputs,
                                        std::size_t rows);
};

// Re-points every tensor at its part of the flat one, keeping its value.
absl::Status Network::State::Flatten() {
  std::vector<NamedTensor> trainable, fixed;
  for (NamedTensor& item : computation->Parameters()) {
    (item.tensor.requires_grad() ? trainable : fixed)
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
  if (auto status = Collect(trainable, true, entries); !status.ok()) {
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
      tensor.mutable_grad() =
          gradient.narrow(0, offset, size).view(entry.spec.shape);
    }
    offset += size;
  }
  return absl::OkStatus();
}

absl::StatusOr<torch::Tensor> Network::State::Inputs(
    const Dataset& data, std::span<const std::uint32_t> rows) {
  std::int64_t length = 1;
  for (std::int64_t extent : data.example_shape) length *= extent;
  if (length <= 0 ||
      data.features.size() != data.Size() * static_cast<std::size_t>(length)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the data set holds ", data.features.size(), " features for ",
        data.Size(), " examples of shape ", ShapeText(data.example_shape)));
  }
  std::int64_t wanted = 1;
  for (std::int64_t extent : input_shape) wanted *= extent;
  if (!input_shape.empty() && wanted != length) {
    return absl::InvalidArgumentError(absl::StrCat(
        "an example has shape ", ShapeText(data.example_shape), ", ", length,
        " values; the model wants ", ShapeText(input_shape), ", ", wanted));
  }
  std::vector<std::int64_t> shape =
      input_shape.empty() ? data.example_shape : input_shape;
  shape.insert(shape.begin(), static_cast<std::int64_t>(rows.size()));
  torch::Tensor inputs = torch::empty(shape);
  float* out = inputs.data_ptr<float>();
  for (std::uint32_t row : rows) {
    std::memcpy(out, data.features.data() + std::size_t{row} * length,
                sizeof(float) * length);
    out += length;
  }
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

namespace {

absl::StatusOr<torch::Tensor> Classes(const Dataset& data,
                                      std::span<const std::uint32_t> rows,
                                      const torch::Tensor& outputs) {
  if (outputs.dim() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("cross_entropy wants outputs [examples, classes], the "
                     "model gives ",
                     ShapeText(outputs.sizes())));
  }
  const std::int64_t count = outputs.size(1);
  torch::Tensor classes = torch::empty({static_cast<std::int64_t>(rows.size())},
                                       torch::dtype(torch::kInt64));
  std::int64_t* out = classes.data_ptr<std::int64_t>();
  for (std::uint32_t row : rows) {
    const float target = data.targets[row];
    if (!(target >= 0 && target < static_cast<float>(count)) ||
        target != static_cast<float>(static_cast<std::int64_t>(target))) {
      return absl::InvalidArgumentError(
          absl::StrCat("row ", row, " (from 0): target ", target,
                       " is not a class in 0..", count - 1));
    }
    *out++ = static_cast<std::int64_t>(target);
  }
  return classes;
}

absl::StatusOr<torch::Tensor> Values(const Dataset& data,
                                     std::span<const std::uint32_t> rows,
                                     const torch::Tensor& outputs, Loss loss) {
  if (outputs.numel() != static_cast<std::int64_t>(rows.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat(loss == Loss::kMse ? "mse" : "bce",
                     " wants one output an example, the model gives ",
                     ShapeText(outputs.sizes())));
  }
  torch::Tensor values = torch::empty(outputs.sizes());
  float* out = values.data_ptr<float>();
  for (std::uint32_t row : rows) {
    const float target = data.targets[row];
    if (loss == Loss::kBce && !(target >= 0 && target <= 1)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "row ", row, " (from 0): target ", target, " is not in 0..1"));
    }
    *out++ = target;
  }
  return values;
}

struct Scored {
  torch::Tensor targets;
  torch::Tensor mean_loss;
};

absl::StatusOr<Scored> Score(const Dataset& data,
                             std::span<const std::uint32_t> rows,
                             const torch::Tensor& outputs, Loss loss) {
  auto targets = loss == Loss::kCrossEntropy
                     ? Classes(data, rows, outputs)
                     : Values(data, rows, outputs, loss);
  if (!targets.ok()) return targets.status();
  switch (loss) {
    case Loss::kCrossEntropy:
      return Scored{*targets, torch::cross_entropy_loss(outputs, *targets)};
    case Loss::kMse:
      return Scored{*targets, torch::mse_loss(outputs, *targets)};
    case Loss::kBce:
      return Scored{*targets,
                    torch::binary_cross_entropy_with_logits(outputs, *targets)};
  }
  return absl::InvalidArgumentError("unknown loss");
}

}  // namespace

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
  const std::string what =
      from_archive ? "TorchScript archive " + archive.string() : "model";
  absl::Status built = Guarded(what, [&]() -> absl::Status {
    state->computation = from_archive ? LoadArchive(archive.string())
                                      : MakeBuiltIn(architecture);
    if (state->computation == nullptr) {
      return absl::InvalidArgumentError("the model names no architecture");
    }
    state->input_shape = state->computation->InputShape();
    return state->Flatten();
  });
  if (!built.ok()) return built;
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
    auto inputs = state_->Inputs(data, rows);
    if (!inputs.ok()) return inputs.status();
    std::unique_lock<std::mutex> generator;
    if (state_->generator_seeds.has_value()) {
      generator = std::unique_lock(GeneratorMutex());
      torch::manual_seed(state_->generator_seeds->Word());
    }
    state_->computation->SetMode(Mode::kTraining);
    auto outputs = state_->Outputs(*inputs, rows.size());
    if (!outputs.ok()) return outputs.status();
    auto scored = Score(data, rows, *outputs, loss);
    if (!scored.ok()) return scored.status();
    state_->gradient.zero_();
    scored->mean_loss.backward();
    return scored->mean_loss.item<double>();
  });
}

absl::StatusOr<Judgement> Network::Judge(const Dataset& data,
                                         std::span<const std::uint32_t> rows,
                                         Loss loss) {
  UseOneThread();
  return Guarded("evaluation", [&]() -> absl::StatusOr<Judgement> {
    torch::NoGradGuard no_gradient;
    auto inputs = state_->Inputs(data, rows);
    if (!inputs.ok()) return inputs.status();
    state_->computation->SetMode(Mode::kEvaluation);
    auto outputs = state_->Outputs(*inputs, rows.size());
    if (!outputs.ok()) return outputs.status();
    auto scored = Score(data, rows, *outputs, loss);
    if (!scored.ok()) return scored.status();
    Judgement judgement;
    judgement.loss =
        scored->mean_loss.item<double>() * static_cast<double>(rows.size());
    torch::Tensor right;
    if (loss == Loss::kCrossEntropy) {
      right = outputs->argmax(1) == scored->targets;
    } else if (loss == Loss::kBce) {
      right = (*outputs > 0) == (scored->targets > 0.5);
    }
    if (right.defined()) {
      judgement.correct =
          static_cast<std::uint64_t>(right.sum().item<std::int64_t>());
    }
    return judgement;
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
