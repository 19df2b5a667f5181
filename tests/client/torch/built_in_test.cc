// SPDX-License-Identifier: Apache-2.0
// The built-in architectures against torch::nn, and their exported archives.
#include <torch/nn.h>
#include <torch/script.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>
#include <tuple>
#include <vector>

#include "client/torch/archive_file.h"
#include "client/torch/network.h"
#include "tests/client/torch/scratch_file.h"
#include "tests/client/torch/training_case.h"

#include "tests/catch.h"

namespace tributary::torch_internal {
namespace {

using Loss = TrainingOptions::Loss;

std::vector<std::uint32_t> Rows(std::size_t count) {
  std::vector<std::uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0u);
  return rows;
}

torch::Tensor FeaturesOf(const Dataset& data, std::vector<std::int64_t> shape) {
  shape.insert(shape.begin(), static_cast<std::int64_t>(data.Size()));
  return torch::tensor(data.features, torch::dtype(torch::kFloat32))
      .reshape(shape);
}

torch::Tensor ClassesOf(const Dataset& data) {
  return torch::tensor(data.targets, torch::dtype(torch::kFloat32))
      .to(torch::kInt64);
}

// Loads our flat weights into a torch::nn module with the same tensors in the
// same order.
void Load(torch::nn::Module& module, const Model& model) {
  torch::NoGradGuard no_gradient;
  std::int64_t offset = 0;
  const torch::Tensor flat =
      torch::tensor(model.weights, torch::dtype(torch::kFloat32));
  for (torch::Tensor& parameter : module.parameters()) {
    parameter.copy_(
        flat.narrow(0, offset, parameter.numel()).reshape(parameter.sizes()));
    offset += parameter.numel();
  }
  REQUIRE(offset ==
          static_cast<std::int64_t>(model.manifest.TrainableLength()));
}

// Loss and gradient of the module and of our network are the same. `loss_of`
// gives the reference's loss for the examples as one tensor.
void CheckAgainst(
    torch::nn::Module& reference,
    const std::function<torch::Tensor(const torch::Tensor&)>& loss_of,
    Loss loss_kind, const v1::Architecture& architecture, const Dataset& data,
    const std::vector<std::int64_t>& shape) {
  const Model model = FirstModel(architecture);
  Load(reference, model);
  reference.train();
  const torch::Tensor loss = loss_of(FeaturesOf(data, shape));
  loss.backward();

  auto network = Network::Build(architecture, {});
  REQUIRE(network.ok());
  std::copy(model.weights.begin(), model.weights.end(),
            (*network)->weights().begin());
  // Twice: the gradient of a batch is not added to the one before.
  REQUIRE((*network)->Differentiate(data, Rows(data.Size()), loss_kind).ok());
  std::copy(model.weights.begin(), model.weights.end(),
            (*network)->weights().begin());
  const auto ours =
      (*network)->Differentiate(data, Rows(data.Size()), loss_kind);
  REQUIRE(ours.ok());
  CHECK(*ours == Approx(loss.item<double>()));
  std::size_t offset = 0;
  for (const torch::Tensor& parameter : reference.parameters()) {
    const torch::Tensor gradient = parameter.grad().contiguous();
    for (std::int64_t i = 0; i < gradient.numel(); ++i) {
      const double expected = gradient.data_ptr<float>()[i];
      const double got =
          (*network)->gradient()[offset + static_cast<std::size_t>(i)];
      if (std::abs(got - expected) > 1e-6) {
        FAIL("coordinate " << offset << " + " << i << ": " << got
                           << ", torch::nn says " << expected);
      }
    }
    offset += static_cast<std::size_t>(gradient.numel());
  }
}

void CheckAgainst(torch::nn::Sequential reference,
                  const v1::Architecture& architecture, const Dataset& data,
                  const std::vector<std::int64_t>& shape) {
  CheckAgainst(
      *reference,
      [&](const torch::Tensor& examples) {
        return torch::cross_entropy_loss(reference->forward(examples),
                                         ClassesOf(data));
      },
      Loss::kCrossEntropy, architecture, data, shape);
}

// What our recurrent architectures are, in PyTorch's own words.
struct LastState : torch::nn::Module {
  LastState(std::int64_t inputs, std::int64_t hidden, std::int64_t layers,
            std::int64_t outputs)
      : gru(register_module("gru",
                            torch::nn::GRU(torch::nn::GRUOptions(inputs, hidden)
                                               .num_layers(layers)
                                               .batch_first(true)))),
        output(register_module("output", torch::nn::Linear(hidden, outputs))) {}

  // [examples, length, inputs]
  torch::Tensor forward(const torch::Tensor& sequences) {
    return output->forward(std::get<0>(gru->forward(sequences)).select(1, -1));
  }

  torch::nn::GRU gru;
  torch::nn::Linear output;
};

struct NextCode : torch::nn::Module {
  NextCode(std::int64_t vocabulary, std::int64_t width, std::int64_t hidden)
      : embedding(register_module("embedding",
                                  torch::nn::Embedding(vocabulary, width))),
        rest(register_module("rest", std::make_shared<LastState>(
                                         width, hidden, 1, vocabulary))) {}

  torch::Tensor forward(const torch::Tensor& codes) {
    return rest->forward(embedding->forward(codes));
  }

  torch::nn::Embedding embedding;
  std::shared_ptr<LastState> rest;
};

TEST_CASE("the MLP is torch::nn's") {
  CheckAgainst(
      torch::nn::Sequential(torch::nn::Linear(12, 8), torch::nn::ReLU(),
                            torch::nn::Linear(8, 5), torch::nn::ReLU(),
                            torch::nn::Linear(5, 3)),
      MlpOf(12, {8, 5}, 3), *Examples(20, {12}, 3), {12});
}

TEST_CASE("the CNN is torch::nn's") {
  using torch::nn::Conv2dOptions;
  CheckAgainst(torch::nn::Sequential(
                   torch::nn::Conv2d(Conv2dOptions(1, 32, 5).padding(2)),
                   torch::nn::ReLU(), torch::nn::MaxPool2d(2),
                   torch::nn::Conv2d(Conv2dOptions(32, 64, 5).padding(2)),
                   torch::nn::ReLU(), torch::nn::MaxPool2d(2),
                   torch::nn::Flatten(), torch::nn::Linear(64 * 4, 512),
                   torch::nn::ReLU(), torch::nn::Linear(512, 10)),
               CnnOf(8, 10), *Examples(10, {64}, 10), {1, 8, 8});
}

TEST_CASE("the 1-D CNN is torch::nn's") {
  using torch::nn::Conv1dOptions;
  CheckAgainst(torch::nn::Sequential(
                   torch::nn::Conv1d(Conv1dOptions(3, 32, 5).padding(2)),
                   torch::nn::BatchNorm1d(32), torch::nn::ReLU(),
                   torch::nn::MaxPool1d(2),
                   torch::nn::Conv1d(Conv1dOptions(32, 64, 5).padding(2)),
                   torch::nn::BatchNorm1d(64), torch::nn::ReLU(),
                   torch::nn::MaxPool1d(2), torch::nn::AdaptiveAvgPool1d(1),
                   torch::nn::Flatten(), torch::nn::Linear(64, 4)),
               Conv1dOf(3, 16, 4), *Examples(12, {3, 16}, 4), {3, 16});
}

TEST_CASE("the GRU is torch::nn's, over windows of channels x length") {
  for (const int layers : {1, 2}) {
    const auto data = Examples(12, {3, 7}, 1);
    LastState reference(3, 5, layers, 1);
    for (std::size_t i = 0; i < data->Size(); ++i) {
      data->targets[i] = 0.1f * static_cast<float>(i);
    }
    CheckAgainst(reference,
                 [&](const torch::Tensor& windows) {
                   return torch::mse_loss(
                       reference.forward(windows.transpose(1, 2)).flatten(),
                       torch::tensor(data->targets));
                 },
                 Loss::kMse, GruOf(3, 7, 5, layers, 1), *data, {3, 7});
  }
}

TEST_CASE("the GRU over codes is torch::nn's") {
  const auto data = Sequences(12, 6, 9);
  NextCode reference(9, 8, 5);
  CheckAgainst(reference,
               [&](const torch::Tensor& codes) {
                 return torch::cross_entropy_loss(
                     reference.forward(codes.to(torch::kInt64)),
                     ClassesOf(*data));
               },
               Loss::kCrossEntropy, CharGruOf(9, 6, 5), *data, {6});
}

TEST_CASE("the autoencoder is torch::nn's, its target what goes in") {
  torch::nn::Sequential reference(torch::nn::Linear(12, 8), torch::nn::ReLU(),
                                  torch::nn::Linear(8, 3), torch::nn::ReLU(),
                                  torch::nn::Linear(3, 8), torch::nn::ReLU(),
                                  torch::nn::Linear(8, 12));
  CheckAgainst(*reference,
               [&](const torch::Tensor& examples) {
                 return torch::mse_loss(reference->forward(examples), examples);
               },
               Loss::kReconstruction, AutoencoderOf(12, {8, 3}),
               *Examples(20, {12}, 3), {12});
}

// The archive that is exported from the architecture's first model, changed a
// little, gives what its network gives, in both modes.
void CheckExport(const v1::Architecture& architecture, const Dataset& data) {
  Model model = FirstModel(architecture);
  // Not the statistics of an untrained model.
  const std::vector<float> noise = Values(model.weights.size(), 3);
  for (std::size_t i = 0; i < noise.size(); ++i) {
    model.weights[i] += 0.05f * (1 + noise[i]);
  }
  const ScratchFile file(".pt");
  REQUIRE(ExportArchive(architecture, {}, model.manifest, model.weights,
                        file.path())
              .ok());
  auto ours = Network::Build(architecture, {});
  REQUIRE(ours.ok());
  std::copy(model.weights.begin(), model.weights.end(),
            (*ours)->weights().begin());
  v1::Architecture scripted;
  scripted.set_torchscript("archive");
  auto theirs = Network::Build(scripted, file.path());
  REQUIRE(theirs.ok());
  CHECK((*theirs)->manifest() == model.manifest);
  CHECK(std::equal(model.weights.begin(), model.weights.end(),
                   (*theirs)->weights().begin()));
  const auto rows = Rows(data.Size());
  const auto expected = (*ours)->Judge(data, rows, Loss::kCrossEntropy);
  const auto got = (*theirs)->Judge(data, rows, Loss::kCrossEntropy);
  REQUIRE(expected.ok());
  REQUIRE(got.ok());
  CHECK(got->loss == Approx(expected->loss).epsilon(1e-6));
  CHECK(got->correct == expected->correct);
  // In training mode too (BatchNorm).
  const auto here = (*ours)->Differentiate(data, rows, Loss::kCrossEntropy);
  const auto there = (*theirs)->Differentiate(data, rows, Loss::kCrossEntropy);
  REQUIRE(there.ok());
  CHECK(*there == Approx(*here));
}

TEST_CASE("an exported archive judges as the network it came from") {
  const auto data = Examples(40, {64}, 10);
  for (const auto& architecture :
       {LinearOf(64, 10), MlpOf(64, {32, 16}, 10), CnnOf(8, 10),
        Conv1dOf(4, 16, 10), GruOf(4, 16, 6, 2, 10), AutoencoderOf(64, {8})}) {
    CheckExport(architecture, *data);
  }
  CheckExport(CharGruOf(10, 6, 5), *Sequences(40, 6, 10));
}

}  // namespace
}  // namespace tributary::torch_internal
