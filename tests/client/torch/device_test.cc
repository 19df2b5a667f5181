// SPDX-License-Identifier: Apache-2.0
// Training with the weights on a device of their own. The processor stands in
// for the device: what is shown is that copies, steps and judgements are right,
// not what a CUDA device computes.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "client/torch/cuda_devices.h"
#include "client/torch/network.h"
#include "client/torch/networks.h"
#include "client/torch/placement.h"
#include "tests/client/torch/training_case.h"
#include "tributary/torch_trainer.h"

#include "tests/catch.h"

namespace tributary {
namespace {

using Loss = TrainingOptions::Loss;
using Optimizer = TrainingOptions::Optimizer;
using torch_internal::ChooseAmong;
using torch_internal::CudaDevices;
using torch_internal::Placement;

const Placement kDevice{Placement::Memory::kDevice, "cpu"};

std::unique_ptr<Trainer> OnHost(std::shared_ptr<const Dataset> data) {
  return MakeTorchTrainer(data, data);
}
std::unique_ptr<Trainer> OnDevice(std::shared_ptr<const Dataset> data) {
  return MakeTorchTrainer(data, data, std::make_shared<TorchNetworks>(kDevice));
}

TrainingOptions ThreeEpochs() {
  TrainingOptions options;
  options.epochs = 3;
  options.batch_size = 7;
  options.learning_rate = 0.02;
  return options;
}

// What the device gives is within a thousandth of what the host gives.
void CheckAlike(const std::shared_ptr<const Dataset>& data,
                const TrainTask& task, const Model& model) {
  const auto host = Train(*OnHost(data), task, model);
  const auto device = Train(*OnDevice(data), task, model);
  REQUIRE(host.ok());
  REQUIRE(device.ok());
  std::vector<float> difference(host->delta.size());
  for (std::size_t i = 0; i < difference.size(); ++i) {
    difference[i] = host->delta[i] - device->delta[i];
  }
  CHECK(Length(host->delta) > 1e-4);
  CHECK(Length(difference) < 1e-3 * Length(host->delta));
  CHECK(device->result.loss == Approx(host->result.loss).epsilon(1e-4));
  CHECK(device->result.steps == host->result.steps);
  CHECK(device->result.examples == host->result.examples);
  CHECK(device->result.initial_loss.value_or(0) ==
        Approx(host->result.initial_loss.value_or(0)).epsilon(1e-5));
}

TEST_CASE("every architecture trains on a device as on the host") {
  struct Case {
    std::string name;
    v1::Architecture architecture;
    std::shared_ptr<const Dataset> data;
    Loss loss = Loss::kCrossEntropy;
  };
  const std::vector<Case> cases = {
      {"linear", LinearOf(6, 3), Examples(30, {6}, 3)},
      {"mlp", MlpOf(6, {8, 5}, 3), Examples(30, {6}, 3)},
      {"mlp, mse", MlpOf(6, {8}, 1), Examples(30, {6}, 3), Loss::kMse},
      {"linear, bce", LinearOf(6, 1), Examples(30, {6}, 2), Loss::kBce},
      {"fedavg_cnn", CnnOf(8, 10), Examples(30, {64}, 10)},
      {"conv1d", Conv1dOf(4, 16, 3), Examples(28, {4, 16}, 3)},
      {"gru", GruOf(3, 5, 8, 2, 3), Examples(30, {5, 3}, 3)},
      {"char_gru", CharGruOf(7, 5, 8), Sequences(30, 5, 7)},
      {"autoencoder", AutoencoderOf(6, {4, 2}), Examples(30, {6}, 3),
       Loss::kReconstruction}};
  for (const Case& each : cases) {
    INFO(each.name);
    const Model model = FirstModel(each.architecture);
    TrainTask task = TaskOf(ThreeEpochs());
    task.training.loss = each.loss;
    task.wants_initial_loss = true;
    CheckAlike(each.data, task, model);

    const TaskContext context;
    const auto host = OnHost(each.data)->Evaluate(task, model, context);
    const auto device = OnDevice(each.data)->Evaluate(task, model, context);
    REQUIRE(host.ok());
    REQUIRE(device.ok());
    CHECK(device->examples == host->examples);
    REQUIRE(device->metrics.size() == host->metrics.size());
    for (const auto& [name, value] : host->metrics) {
      INFO(name);
      REQUIRE(device->metrics.contains(name));
      CHECK(device->metrics.at(name) == Approx(value).epsilon(1e-4));
    }
  }
}

TEST_CASE("every way to step is the same on a device as on the host") {
  const auto data = Examples(30, {6}, 3);
  const Model model = FirstModel(MlpOf(6, {8}, 3));
  const std::vector<float> correction =
      Values(model.manifest.TrainableLength(), 3);
  const std::vector<FlatRange> frozen = {{0, 10}, {40, 1000}};
  for (const Optimizer optimizer : {Optimizer::kSgd, Optimizer::kAdam}) {
    for (int ways = 0; ways < 32; ++ways) {
      TrainTask task = TaskOf(ThreeEpochs());
      task.training.optimizer = optimizer;
      if ((ways & 1) != 0) task.training.momentum = 0.9;
      if ((ways & 2) != 0) task.training.weight_decay = 0.3;
      if ((ways & 4) != 0) task.training.proximal_mu = 0.5;
      if ((ways & 8) != 0) task.correction = correction;
      if ((ways & 16) != 0) task.frozen = frozen;
      INFO((optimizer == Optimizer::kAdam ? "Adam" : "SGD")
           << ", momentum, decay, mu, correction, frozen: " << (ways & 1)
           << (ways >> 1 & 1) << (ways >> 2 & 1) << (ways >> 3 & 1)
           << (ways >> 4 & 1));
      CheckAlike(data, task, model);
    }
  }
}

TEST_CASE("frozen parameters on a device stay to the bit") {
  const Model model = FirstModel(LinearOf(6, 3));
  TrainTask task = TaskOf(ThreeEpochs());
  task.training.momentum = 0.9;
  task.frozen = {{2, 5}};
  const auto trained = Train(*OnDevice(Examples(30, {6}, 3)), task, model);
  REQUIRE(trained.ok());
  for (std::size_t i = 2; i < 5; ++i) CHECK(trained->delta[i] == 0);
  CHECK(trained->delta[1] != 0);
  CHECK(trained->delta[5] != 0);
}

TEST_CASE("the same task on a device gives the same bits") {
  const auto data = Examples(32, {4, 16}, 3);
  const Model model = FirstModel(Conv1dOf(4, 16, 3));
  const auto trainer = OnDevice(data);
  const auto first = Train(*trainer, TaskOf(ThreeEpochs()), model);
  // Not what the network was left with, but what the model says.
  const auto second = Train(*trainer, TaskOf(ThreeEpochs()), model);
  REQUIRE(first.ok());
  REQUIRE(second.ok());
  CHECK(first->delta == second->delta);
}

TEST_CASE("a network on a device keeps its weights apart from the host's") {
  auto network = torch_internal::Network::Build(LinearOf(2, 1), {}, kDevice);
  REQUIRE(network.ok());
  const Dataset data{{1, 0}, {2}, {0}};
  const std::vector<std::uint32_t> rows = {0};
  const auto loss = [&] {
    return (*network)->Judge(data, rows, Loss::kMse)->loss;
  };
  std::ranges::copy(std::vector<float>{3, 5, 0}, (*network)->weights().begin());
  CHECK(loss() == 0);
  REQUIRE((*network)->Upload().ok());
  CHECK(loss() == 9);
  std::ranges::fill((*network)->weights(), 0.0f);
  CHECK(loss() == 9);
  REQUIRE((*network)->Download().ok());
  CHECK((*network)->weights()[0] == 3);
  CHECK((*network)->weights()[1] == 5);
}

TEST_CASE(
    "a device that LibTorch does not have is an error, not an exception") {
  auto network = torch_internal::Network::Build(
      LinearOf(2, 1), {}, {Placement::Memory::kDevice, "cuda:99"});
  REQUIRE_FALSE(network.ok());
  CHECK(network.status().code() == absl::StatusCode::kInvalidArgument);
}

// ---- the choice ----

constexpr CudaDevices kNoLibrary{};
constexpr CudaDevices kNoDevice{CudaDevices::Library::kHasCuda, 0};
constexpr CudaDevices kTwo{CudaDevices::Library::kHasCuda, 2};
const TorchDevice kCpu{};

TEST_CASE("auto takes CUDA where there is some, else the processor") {
  CHECK(*ChooseAmong(kNoLibrary, "auto", 0) == kCpu);
  CHECK(*ChooseAmong(kNoDevice, "auto", 0) == kCpu);
  CHECK(*ChooseAmong(kTwo, "auto", 0) ==
        TorchDevice{TorchDevice::Kind::kCuda, 0});
  CHECK(*ChooseAmong(kTwo, "cpu", 0) == kCpu);
}

TEST_CASE("the processes of a machine take its CUDA devices in turn") {
  for (const int process : {0, 1, 2, 3}) {
    const auto chosen = ChooseAmong(kTwo, "cuda", process);
    REQUIRE(chosen.ok());
    CHECK(chosen->index == process % 2);
    CHECK(torch_internal::PlacementOn(*chosen).device ==
          "cuda:" + std::to_string(process % 2));
  }
}

TEST_CASE("CUDA that is not there is refused with the reason and the remedy") {
  const auto built = ChooseAmong(kNoLibrary, "cuda", 0);
  CHECK(built.status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK(built.status().message().find("built without CUDA") !=
        std::string::npos);
  CHECK(built.status().message().find("CMAKE_PREFIX_PATH") !=
        std::string::npos);
  const auto found = ChooseAmong(kNoDevice, "cuda", 0);
  CHECK(found.status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK(found.status().message().find("nvidia-smi") != std::string::npos);
}

TEST_CASE("a device nobody knows is refused with those that are known") {
  const auto chosen = ChooseAmong(kTwo, "gpu", 0);
  CHECK(chosen.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(chosen.status().message() ==
        "\"gpu\" is no device; one of auto, cpu, cuda is");
}

TEST_CASE("this machine is asked what it has") {
  const CudaDevices here = torch_internal::CudaDevicesHere();
  const auto chosen = ChooseTorchDevice("auto");
  REQUIRE(chosen.ok());
  CHECK((chosen->kind == TorchDevice::Kind::kCuda) == (here.count > 0));
  CHECK(ChooseTorchDevice("cuda").ok() == (here.count > 0));
}

}  // namespace
}  // namespace tributary
