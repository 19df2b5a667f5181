// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/oracle.h"

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "aggregation/encoding.h"
#include "aggregation/exact_sum.h"
#include "aggregation/release.h"
#include "client/core/update.h"
#include "privacy/crypto/random.h"
#include "proto/codec/plan.h"
#include "proto/codec/safetensors.h"
#include "proto/codec/yaml.h"
#include "tributary/dataset.h"
#include "tributary/torch_trainer.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

template <typename T>
T Value(absl::StatusOr<T> result) {
  INFO(result.status());
  REQUIRE(result.ok());
  return *std::move(result);
}

std::string FileOf(const codec::SafetensorsHeader& header,
                   const std::vector<float>& weights) {
  std::string bytes =
      codec::FormatSafetensorsHeader(header.manifest, header.metadata);
  bytes.append(reinterpret_cast<const char*>(weights.data()),
               weights.size() * sizeof(float));
  return bytes;
}

}  // namespace

std::string OracleModel(const OracleInput& input) {
  const v1::Plan plan = Value(codec::ReadPlan(input.plan));
  auto file = Value(codec::ReadSafetensors(input.first_weights));
  const Manifest& manifest = file.header.manifest;
  const auto layout = Value(codec::ToLayout(plan.update(), manifest));
  const auto optimizer = codec::ToOptimizer(plan.server_optimizer());
  const Key run_key = KeyFromSeed(plan.seed());

  std::vector<std::vector<float>> state(
      static_cast<std::size_t>(aggregation::StateVectors(optimizer)),
      std::vector<float>(manifest.TrainableLength()));
  std::map<std::string, std::unique_ptr<Trainer>> trainers;
  Model model;
  model.manifest = manifest;
  model.architecture = file.header.metadata.at("tributary.architecture");
  model.weights = std::move(file.weights);

  for (const auto& [round, counted] : input.counted) {
    model.id = Sha256(FileOf(file.header, model.weights));
    aggregation::ExactSum sum(layout);
    for (const auto& [attempt, client, weight] : counted) {
      auto& trainer = trainers[client];
      if (trainer == nullptr) {
        const auto data = std::make_shared<const Dataset>(Value(
            ReadCsv(input.data / (client + ".csv"), {.scale = input.scale})));
        trainer = MakeTorchTrainer(data, nullptr);
      }
      const Key round_seed =
          DeriveKey(run_key, "seeds/" + std::to_string(round));
      const Key seed = DeriveKey(round_seed, "task/" + client);
      v1::Task task;
      task.set_kind(v1::Task::TRAIN);
      task.set_round(static_cast<std::uint32_t>(round));
      task.set_attempt(static_cast<std::uint32_t>(attempt));
      task.set_task_token(std::string(16, 'o'));
      task.set_model(std::string(model.id.AsBytes()));
      *task.mutable_training() = plan.training();
      *task.mutable_update() = plan.update();
      task.set_seed(std::string(seed.begin(), seed.end()));

      std::vector<float> delta(manifest.Length());
      const TaskContext context;
      const auto result = Value(
          trainer->Train(Value(ToTrainTask(task)), model, delta, context));
      const auto update =
          Value(PrepareUpdate(task, manifest, result, std::move(delta), {}));
      aggregation::UpdateDecoder decoder(
          codec::ToEncoding(plan.update()).encoding, manifest.Length());
      const auto fed = decoder.Feed(
          *update.bytes, [&](std::size_t offset, std::span<const float> block) {
            sum.AddBlock(offset, block, weight);
            return absl::OkStatus();
          });
      REQUIRE(fed.ok());
      REQUIRE(decoder.Finish().ok());
      sum.AddContribution(weight);
    }
    const aggregation::Release release(std::move(sum), optimizer);
    const std::vector<std::span<float>> states(state.begin(), state.end());
    release.Block(0, model.weights, states);
  }
  return FileOf(file.header, model.weights);
}

}  // namespace tributary::testing
