// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <string>

#include "client/torch/weights.h"
#include "privacy/crypto/digest.h"
#include "proto/codec/safetensors.h"
#include "tests/client/torch/scratch_file.h"
#include "tests/client/torch/training_case.h"

#include "tests/catch.h"

namespace tributary {
namespace {

std::string WeightsDigest(const Model& model) {
  return Sha256(std::as_bytes(std::span(model.weights))).Hex();
}

// The weights of every published seeded run hang on these.
TEST_CASE("first weights never change silently") {
  CHECK(WeightsDigest(FirstModel(MlpOf(64, {32, 16}, 10), 42)) ==
        "63c5de63a2dc0c4d9937946f1fc6c637d285fed3e5c00113581dd940ee864554");
  CHECK(WeightsDigest(FirstModel(Conv1dOf(3, 16, 4), 42)) ==
        "6ad870a49a6ffd2fc44f0449102b368c13646f28033cf8689b9a15e6f56f169b");
  CHECK(WeightsDigest(FirstModel(CharGruOf(9, 6, 5), 42)) ==
        "ef726c980347ef87c77a81d594b66d6858973604aaa38b27e5fb8a1ef33b940d");
}

TEST_CASE("recurrent weights fill the bound of PyTorch's default rule") {
  const Model model = FirstModel(GruOf(40, 3, 25, 2, 1));
  std::size_t offset = 0;
  for (const TensorSpec& tensor : model.manifest.tensors()) {
    float largest = 0;
    for (std::size_t i = 0; i < tensor.Size(); ++i) {
      largest = std::max(largest, std::fabs(model.weights[offset + i]));
    }
    INFO(tensor.name);
    CHECK(largest <= 0.2f);  // 1 / sqrt(hidden), biases too
    CHECK(largest > 0.17f);
    offset += tensor.Size();
    if (tensor.name == "gru.bias_hh_l1") break;
  }
  CHECK(model.manifest.tensors()[4].name == "gru.weight_ih_l1");
  CHECK(model.manifest.tensors()[4].shape == std::vector<std::int64_t>{75, 25});
}

TEST_CASE("embeddings are standard normal") {
  const Model model = FirstModel(CharGruOf(1000, 3, 4));
  CHECK(model.manifest.tensors()[0].name == "embedding.weight");
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < 8000; ++i) {
    sum += model.weights[i];
    squares += static_cast<double>(model.weights[i]) * model.weights[i];
  }
  // Five standard errors of mean and variance.
  CHECK(std::fabs(sum / 8000) < 5 / std::sqrt(8000.0));
  CHECK(std::fabs(squares / 8000 - 1) < 5 * std::sqrt(2 / 8000.0));
}

TEST_CASE("first weights follow from the seed") {
  const auto linear = LinearOf(8, 3);
  CHECK(FirstModel(linear, 1).weights == FirstModel(linear, 1).weights);
  CHECK(FirstModel(linear, 1).weights != FirstModel(linear, 2).weights);
}

TEST_CASE("the FedAvg paper's CNN has 1,663,370 parameters") {
  v1::Architecture architecture;
  architecture.mutable_fedavg_cnn();  // 28 x 28 x 1, 10 classes by default
  const Model model = FirstModel(architecture);
  CHECK(model.manifest.TrainableLength() == 1'663'370);
  CHECK(model.manifest.Length() == 1'663'370);
}

TEST_CASE("weights and biases fill the bound of PyTorch's default rule") {
  const Model model = FirstModel(LinearOf(100, 500));
  const float bound = 0.1f;  // 1 / sqrt(fan_in)
  float largest = 0, mean = 0;
  for (float weight : model.weights) {
    largest = std::max(largest, std::fabs(weight));
    mean += weight / static_cast<float>(model.weights.size());
  }
  CHECK(largest <= bound);
  CHECK(largest > 0.999f * bound);
  // 50,500 draws with standard deviation 0.058: 5 sigma of the mean is 0.0013.
  CHECK(std::fabs(mean) < 0.0013f);
}

TEST_CASE("normalisation starts as the identity, its statistics are buffers") {
  const Model model = FirstModel(Conv1dOf(3, 16, 4));
  std::size_t offset = 0, checked = 0;
  for (const TensorSpec& tensor : model.manifest.tensors()) {
    for (std::size_t i = 0; i < tensor.Size(); ++i) {
      const float value = model.weights[offset + i];
      if (tensor.name == "norm1.weight" || tensor.name == "norm2.running_var") {
        REQUIRE(value == 1);
        ++checked;
      } else if (tensor.name == "norm1.bias" ||
                 tensor.name == "norm2.running_mean") {
        REQUIRE(value == 0);
        ++checked;
      }
    }
    CHECK(tensor.trainable ==
          (tensor.name.find("running") == std::string::npos));
    offset += tensor.Size();
  }
  CHECK(checked == 2 * 32 + 2 * 64);
}

TEST_CASE("a weights file in another order is read by name") {
  const ScratchFile file(".safetensors");
  const Manifest sorted(
      {{"output.bias", {2}, true}, {"output.weight", {2, 3}, true}});
  REQUIRE(codec::WriteSafetensors(file.path(), sorted, {},
                                  std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8})
              .ok());
  v1::PlanModel plan;
  *plan.mutable_architecture() = LinearOf(3, 2);
  plan.set_weights(file.path().string());
  const auto model = MakeInitialModel(plan, KeyFromSeed(1));
  REQUIRE(model.ok());
  CHECK(model->weights == std::vector<float>{3, 4, 5, 6, 7, 8, 1, 2});
}

TEST_CASE("a weights file of another model is refused by tensor") {
  const ScratchFile file(".safetensors");
  REQUIRE(codec::WriteSafetensors(file.path(),
                                  Manifest({{"output.weight", {2, 4}, true},
                                            {"output.bias", {2}, true}}),
                                  {}, std::vector<float>(10))
              .ok());
  v1::PlanModel plan;
  *plan.mutable_architecture() = LinearOf(3, 2);
  plan.set_weights(file.path().string());
  const auto model = MakeInitialModel(plan, KeyFromSeed(1));
  REQUIRE_FALSE(model.ok());
  const std::string message(model.status().message());
  INFO(message);
  CHECK(message.find("\"output.weight\" has shape [2, 4]") !=
        std::string::npos);
}

}  // namespace
}  // namespace tributary
