// SPDX-License-Identifier: Apache-2.0
// TorchScript archives as networks: what can be trained, and what is refused.
#include <torch/script.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "client/torch/archive_file.h"
#include "client/torch/network.h"
#include "client/torch/networks.h"
#include "client/torch/placement.h"
#include "client/torch/weights.h"
#include "tests/client/torch/scratch_file.h"
#include "tests/client/torch/training_case.h"
#include "tributary/torch_trainer.h"

#include "tests/catch.h"

namespace tributary::torch_internal {
namespace {

using Module = torch::jit::Module;

void Save(const ScratchFile& file, const std::string& source,
          const std::function<void(Module&)>& fill) {
  Module module("Mine");
  module.register_attribute("training", c10::BoolType::get(), true);
  fill(module);
  module.define(source);
  module.save(file.path().string());
}

void AddParameter(Module& module, const std::string& name,
                  torch::Tensor value) {
  module.register_parameter(name, value.requires_grad_(true), false);
}

void SaveDropout(const ScratchFile& file) {
  Save(file,
       "def forward(self, x):\n"
       "    return torch.linear(torch.dropout(x, 0.5, self.training), "
       "self.w, self.b)\n",
       [](Module& module) {
         AddParameter(module, "w", torch::ones({3, 6}));
         AddParameter(module, "b", torch::zeros({3}));
       });
}

v1::Architecture Archived(const ScratchFile& file) {
  v1::Architecture architecture;
  architecture.set_torchscript(file.path().string());
  return architecture;
}

std::string Refusal(const ScratchFile& file) {
  auto network = Network::Build(Archived(file), file.path());
  return network.ok() ? "" : std::string(network.status().message());
}

bool Says(const std::string& message, const std::string& part) {
  UNSCOPED_INFO(message);
  return message.find(part) != std::string::npos;
}

TEST_CASE("an archive brings its own first weights, named by its digest") {
  const ScratchFile file(".pt");
  SaveDropout(file);
  const Model model = FirstModel(Archived(file));
  CHECK(model.manifest == Manifest({{"w", {3, 6}, true}, {"b", {3}, true}}));
  CHECK(model.weights[0] == 1);
  CHECK(model.weights[18] == 0);
  CHECK(model.archive == file.path());
  CHECK(model.architecture ==
        "{\"torchscript\":\"" + DigestOfFile(file.path())->Hex() + "\"}");
}

TEST_CASE("an archive trains on a device as on the host, dropout included") {
  const ScratchFile file(".pt");
  SaveDropout(file);
  const Model model = FirstModel(Archived(file));
  const auto data = Examples(30, {6}, 3);
  TrainingOptions options;
  options.epochs = 2;
  options.momentum = 0.5;
  const TrainTask task = TaskOf(options);
  // The processor, which stands in for the device, draws from one generator.
  const auto device =
      Train(*MakeTorchTrainer(data, nullptr,
                              std::make_shared<TorchNetworks>(Placement{
                                  Placement::Memory::kDevice, "cpu"})),
            task, model);
  const auto host = Train(*MakeTorchTrainer(data, nullptr), task, model);
  REQUIRE(device.ok());
  REQUIRE(host.ok());
  for (std::size_t i = 0; i < host->delta.size(); ++i) {
    REQUIRE(device->delta[i] == Approx(host->delta[i]).margin(1e-6));
  }
}

TEST_CASE("dropout repeats with the task's seed") {
  const ScratchFile file(".pt");
  SaveDropout(file);
  const Model model = FirstModel(Archived(file));
  auto trainer = MakeTorchTrainer(Examples(30, {6}, 3), nullptr);
  TrainingOptions options;
  options.epochs = 2;
  options.batch_size = 30;  // the order within a batch hardly matters
  options.learning_rate = 0.1;
  const auto first = Train(*trainer, TaskOf(options, 1), model);
  const auto other = Train(*trainer, TaskOf(options, 2), model);
  const auto again = Train(*trainer, TaskOf(options, 1), model);
  REQUIRE(first.ok());
  REQUIRE(other.ok());
  REQUIRE(again.ok());
  CHECK(first->delta == again->delta);
  std::vector<float> difference(first->delta.size());
  for (std::size_t i = 0; i < difference.size(); ++i) {
    difference[i] = first->delta[i] - other->delta[i];
  }
  CHECK(Length(difference) > 0.01 * Length(first->delta));
}

TEST_CASE(
    "what is not float32 stays on the client and starts every task anew") {
  const ScratchFile file(".pt");
  Save(file,
       "def forward(self, x):\n"
       "    self.calls.add_(1)\n"
       "    return torch.linear(x, self.w) * self.calls.float()\n",
       [](Module& module) {
         AddParameter(module, "w", torch::full({3, 6}, 0.01f));
         module.register_buffer("calls",
                                torch::zeros({1}, torch::dtype(torch::kInt64)));
         module.register_buffer("scale", torch::ones({2}));
       });
  const Model model = FirstModel(Archived(file));
  CHECK(model.manifest ==
        Manifest({{"w", {3, 6}, true}, {"scale", {2}, false}}));
  auto trainer = MakeTorchTrainer(Examples(30, {6}, 3), nullptr);
  TrainingOptions options;
  options.steps = 3;
  const auto first = Train(*trainer, TaskOf(options), model);
  const auto again = Train(*trainer, TaskOf(options), model);
  REQUIRE(first.ok());
  CHECK(first->delta == again->delta);
}

TEST_CASE("tied weights are one tensor and are trained together") {
  const ScratchFile file(".pt");
  const torch::Tensor shared = torch::full({6, 6}, 0.1f);
  Save(file,
       "def forward(self, x):\n"
       "    return torch.linear(torch.linear(x, self.a), self.b)\n",
       [&](Module& module) {
         AddParameter(module, "a", shared);
         module.register_parameter("b", shared, false);
       });
  auto network = Network::Build(Archived(file), file.path());
  REQUIRE(network.ok());
  CHECK((*network)->manifest() == Manifest({{"a", {6, 6}, true}}));
  const auto data = Examples(1, {6}, 6);
  const std::vector<std::uint32_t> row{0};
  REQUIRE((*network)
              ->Differentiate(*data, row, TrainingOptions::Loss::kCrossEntropy)
              .ok());
  torch::Tensor expected = torch::full({6, 6}, 0.1f).requires_grad_(true);
  const torch::Tensor x =
      torch::tensor(data->features, torch::dtype(torch::kFloat32))
          .reshape({1, 6});
  torch::cross_entropy_loss(
      torch::linear(torch::linear(x, expected), expected),
      torch::tensor({static_cast<std::int64_t>(data->targets[0])}))
      .backward();
  const torch::Tensor gradient = expected.grad().contiguous();
  for (std::size_t i = 0; i < 36; ++i) {
    CHECK((*network)->gradient()[i] ==
          Approx(gradient.data_ptr<float>()[i]).margin(1e-6));
  }
}

TEST_CASE("export puts trained weights into the archive they came from") {
  const ScratchFile file(".pt"), out(".pt");
  SaveDropout(file);
  const Model model = FirstModel(Archived(file));
  const std::vector<float> trained = Values(model.weights.size(), 8);
  REQUIRE(ExportArchive(Archived(file), file.path(), model.manifest, trained,
                        out.path())
              .ok());
  auto network = Network::Build(Archived(out), out.path());
  REQUIRE(network.ok());
  CHECK(std::equal(trained.begin(), trained.end(),
                   (*network)->weights().begin()));
}

TEST_CASE("a file that is no archive is refused") {
  const ScratchFile file(".pt");
  CHECK(absl::IsNotFound(Network::Build(Archived(file), file.path()).status()));
  std::ofstream(file.path()) << "not an archive";
  CHECK(Says(Refusal(file), file.path().string()));
}

TEST_CASE("a cut archive is refused") {
  const ScratchFile file(".pt");
  SaveDropout(file);
  std::filesystem::resize_file(file.path(),
                               std::filesystem::file_size(file.path()) / 2);
  CHECK(Says(Refusal(file), file.path().string()));
}

TEST_CASE("parameters that cannot be shared are refused by name") {
  const ScratchFile file(".pt");
  Save(file, "def forward(self, x):\n    return x * self.w.float()\n",
       [](Module& module) {
         AddParameter(module, "w",
                      torch::ones({6}, torch::dtype(torch::kFloat64)));
       });
  CHECK(Says(Refusal(file), "tensor \"w\" is Double"));
}

TEST_CASE("an archive without parameters has nothing to train") {
  const ScratchFile file(".pt");
  Save(file, "def forward(self, x):\n    return x\n", [](Module&) {});
  CHECK(Says(Refusal(file), "no trainable parameter"));
}

TEST_CASE("an archive that throws or gives no tensor fails the task only") {
  const ScratchFile file(".pt");
  Save(file, "def forward(self, x):\n    return (torch.linear(x, self.w), x)\n",
       [](Module& module) {
         AddParameter(module, "w", torch::ones({3, 6}));
       });
  TrainingOptions options;
  options.epochs = 1;
  CHECK(absl::IsInvalidArgument(
      Train(*MakeTorchTrainer(Examples(5, {6}, 3), nullptr), TaskOf(options),
            FirstModel(Archived(file)))
          .status()));
  const ScratchFile other(".pt");
  SaveDropout(other);
  CHECK(absl::IsInvalidArgument(
      Train(*MakeTorchTrainer(Examples(5, {7}, 3), nullptr), TaskOf(options),
            FirstModel(Archived(other)))
          .status()));
}

}  // namespace
}  // namespace tributary::torch_internal
