// SPDX-License-Identifier: Apache-2.0
// The words in which trainer tests speak: models, data and tasks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tributary/dataset.h"
#include "tributary/model.h"
#include "tributary/trainer.h"
#include "tributary/v1/model.pb.h"

namespace tributary {

v1::Architecture LinearOf(int inputs, int outputs);
v1::Architecture MlpOf(int inputs, std::vector<int> hidden, int outputs);
v1::Architecture CnnOf(int side, int outputs);
v1::Architecture Conv1dOf(int channels, int length, int outputs);
v1::Architecture GruOf(int inputs, int length, int hidden, int layers,
                       int outputs);
v1::Architecture CharGruOf(int vocabulary, int length, int hidden);
v1::Architecture AutoencoderOf(int inputs, std::vector<int> hidden);

// First model of a run with this seed.
Model FirstModel(const v1::Architecture& architecture, std::uint64_t seed = 1);

// Standard normal-ish features; class = the largest of the first `classes`
// features, which a linear model can learn.
std::shared_ptr<Dataset> Examples(std::size_t count,
                                  std::vector<std::int64_t> example_shape,
                                  int classes, std::uint64_t seed = 5);
// Sequences of codes in 0 .. vocabulary - 1; class = the last code.
std::shared_ptr<Dataset> Sequences(std::size_t count, int length,
                                   int vocabulary, std::uint64_t seed = 5);
// `count` values, uniform in [-1, 1).
std::vector<float> Values(std::size_t count, std::uint64_t seed);

TrainTask TaskOf(const TrainingOptions& options, std::uint64_t seed = 9);

// What a task gives: its result and its delta.
struct Trained {
  TrainResult result;
  std::vector<float> delta;
};
absl::StatusOr<Trained> Train(Trainer& trainer, const TrainTask& task,
                              const Model& model);

double Length(const std::vector<float>& vector);

}  // namespace tributary
