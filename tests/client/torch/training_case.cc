// SPDX-License-Identifier: Apache-2.0
#include "tests/client/torch/training_case.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "client/torch/weights.h"
#include "proto/codec/plan.h"

namespace tributary {

v1::Architecture LinearOf(int inputs, int outputs) {
  v1::Architecture architecture;
  architecture.mutable_linear()->set_inputs(inputs);
  architecture.mutable_linear()->set_outputs(outputs);
  return architecture;
}

v1::Architecture MlpOf(int inputs, std::vector<int> hidden, int outputs) {
  v1::Architecture architecture;
  architecture.mutable_mlp()->set_inputs(inputs);
  for (int width : hidden) architecture.mutable_mlp()->add_hidden(width);
  architecture.mutable_mlp()->set_outputs(outputs);
  return architecture;
}

v1::Architecture CnnOf(int side, int outputs) {
  v1::Architecture architecture;
  architecture.mutable_fedavg_cnn()->set_height(side);
  architecture.mutable_fedavg_cnn()->set_width(side);
  architecture.mutable_fedavg_cnn()->set_channels(1);
  architecture.mutable_fedavg_cnn()->set_outputs(outputs);
  return architecture;
}

v1::Architecture Conv1dOf(int channels, int length, int outputs) {
  v1::Architecture architecture;
  architecture.mutable_conv1d()->set_channels(channels);
  architecture.mutable_conv1d()->set_length(length);
  architecture.mutable_conv1d()->set_outputs(outputs);
  return architecture;
}

v1::Architecture GruOf(int inputs, int length, int hidden, int layers,
                       int outputs) {
  v1::Architecture architecture;
  auto& gru = *architecture.mutable_gru();
  gru.set_inputs(inputs);
  gru.set_length(length);
  gru.set_hidden(hidden);
  gru.set_layers(layers);
  gru.set_outputs(outputs);
  return architecture;
}

v1::Architecture CharGruOf(int vocabulary, int length, int hidden) {
  v1::Architecture architecture;
  auto& gru = *architecture.mutable_char_gru();
  gru.set_vocabulary(vocabulary);
  gru.set_length(length);
  gru.set_hidden(hidden);
  return architecture;
}

v1::Architecture AutoencoderOf(int inputs, std::vector<int> hidden) {
  v1::Architecture architecture;
  architecture.mutable_autoencoder()->set_inputs(inputs);
  for (int width : hidden) {
    architecture.mutable_autoencoder()->add_hidden(width);
  }
  return architecture;
}

Model FirstModel(const v1::Architecture& architecture, std::uint64_t seed) {
  v1::PlanModel plan;
  *plan.mutable_architecture() = architecture;
  auto initial = MakeInitialModel(plan, KeyFromSeed(seed));
  if (!initial.ok()) {
    std::cerr << initial.status().message() << "\n";
    std::abort();
  }
  Model model;
  model.manifest = initial->manifest;
  model.architecture = initial->metadata.at("tributary.architecture");
  model.archive = initial->archive;
  model.weights = std::move(initial->weights);
  return model;
}

std::vector<float> Values(std::size_t count, std::uint64_t seed) {
  KeyedStream stream(KeyFromSeed(seed), "values");
  std::vector<float> values(count);
  for (float& value : values) {
    value = static_cast<float>(2 * stream.Uniform() - 1);
  }
  return values;
}

std::shared_ptr<Dataset> Examples(std::size_t count,
                                  std::vector<std::int64_t> example_shape,
                                  int classes, std::uint64_t seed) {
  std::size_t length = 1;
  for (std::int64_t extent : example_shape) {
    length *= static_cast<std::size_t>(extent);
  }
  auto data = std::make_shared<Dataset>();
  data->example_shape = std::move(example_shape);
  data->features = Values(count * length, seed);
  for (std::size_t i = 0; i < count; ++i) {
    const auto first =
        data->features.begin() + static_cast<std::ptrdiff_t>(i * length);
    data->targets.push_back(
        static_cast<float>(std::max_element(first, first + classes) - first));
  }
  return data;
}

std::shared_ptr<Dataset> Sequences(std::size_t count, int length,
                                   int vocabulary, std::uint64_t seed) {
  KeyedStream stream(KeyFromSeed(seed), "codes");
  auto data = std::make_shared<Dataset>();
  data->example_shape = {length};
  for (std::size_t i = 0; i < count; ++i) {
    for (int at = 0; at < length; ++at) {
      data->features.push_back(static_cast<float>(
          stream.Below(static_cast<std::uint64_t>(vocabulary))));
    }
    data->targets.push_back(data->features.back());
  }
  return data;
}

TrainTask TaskOf(const TrainingOptions& options, std::uint64_t seed) {
  TrainTask task;
  task.run = "run";
  task.training = options;
  task.seed = KeyFromSeed(seed);
  return task;
}

absl::StatusOr<Trained> Train(Trainer& trainer, const TrainTask& task,
                              const Model& model) {
  Trained trained;
  trained.delta.resize(model.weights.size());
  TaskContext context;
  auto result = trainer.Train(task, model, trained.delta, context);
  if (!result.ok()) return result.status();
  trained.result = *result;
  return trained;
}

double Length(const std::vector<float>& vector) {
  double sum = 0;
  for (float value : vector) sum += double{value} * value;
  return std::sqrt(sum);
}

}  // namespace tributary
