// SPDX-License-Identifier: Apache-2.0
// tributary_train_once MODEL.safetensors ARCHIVE DATA.csv OUT.safetensors: one
// full-batch step of SGD (learning rate 0.5, cross entropy) with the LibTorch
// trainer, for export_and_train.py. ARCHIVE is "-" for built-in architectures.
#include <iostream>
#include <memory>
#include <string>

#include "proto/codec/safetensors.h"
#include "tributary/dataset.h"
#include "tributary/torch_trainer.h"

namespace {

absl::Status TrainOnce(const std::string& model_file,
                       const std::string& archive, const std::string& data_file,
                       const std::string& out) {
  auto file = tributary::codec::ReadSafetensors(model_file);
  if (!file.ok()) return file.status();
  auto data = tributary::ReadCsv(data_file, {});
  if (!data.ok()) return data.status();
  tributary::Model model;
  model.manifest = file->header.manifest;
  model.architecture = file->header.metadata.at("tributary.architecture");
  if (archive != "-") model.archive = archive;
  model.weights = file->weights;
  tributary::TrainTask task;
  task.training.steps = 1;
  task.training.batch_size = static_cast<int>(data->Size());
  task.training.learning_rate = 0.5;
  std::vector<float> delta(model.weights.size());
  const tributary::TaskContext context;
  auto trainer = tributary::MakeTorchTrainer(
      std::make_shared<tributary::Dataset>(*std::move(data)), nullptr);
  auto result = trainer->Train(task, model, delta, context);
  if (!result.ok()) return result.status();
  for (std::size_t i = 0; i < delta.size(); ++i) model.weights[i] += delta[i];
  std::cout << result->loss << "\n";
  return tributary::codec::WriteSafetensors(
      out, model.manifest, file->header.metadata, model.weights);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const absl::Status status = TrainOnce(argv[1], argv[2], argv[3], argv[4]);
  if (!status.ok()) std::cerr << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
