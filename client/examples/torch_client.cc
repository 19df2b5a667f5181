// SPDX-License-Identifier: Apache-2.0
// A client that trains whatever architecture the plan names, with LibTorch, on
// a CSV file whose last column is the class.
//
//   torch_client COORDINATOR POPULATION CA.pem CERT.pem KEY.pem STATE DATA.csv
//   torch_client --self-check
#include <cstring>
#include <iostream>
#include <memory>
#include <vector>

#include "tributary/client.h"
#include "tributary/dataset.h"
#include "tributary/torch_trainer.h"

namespace {

// Trains a linear model once without a coordinator.
int SelfCheck() {
  auto data = std::make_shared<tributary::Dataset>();
  data->features = {0, 1, 1, 0, 0, 2, 2, 0};
  data->example_shape = {2};
  data->targets = {1, 0, 1, 0};
  const auto trainer = tributary::MakeTorchTrainer(data, data);
  tributary::Model model;
  model.architecture = R"({"linear":{"inputs":"2","outputs":"2"}})";
  model.manifest = tributary::Manifest(
      {{"output.weight", {2, 2}, true}, {"output.bias", {2}, true}});
  model.weights.resize(model.manifest.Length());
  tributary::TrainTask task;
  task.training.epochs = 20;
  task.training.learning_rate = 0.5;
  std::vector<float> delta(model.manifest.Length());
  const auto result =
      trainer->Train(task, model, delta, tributary::TaskContext());
  if (!result.ok()) {
    std::cerr << result.status() << "\n";
    return 1;
  }
  std::cout << "loss " << result->loss << "\n";
  return result->loss < 0.5 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--self-check") == 0) {
    return SelfCheck();
  }
  if (argc != 8) {
    std::cerr << "usage: torch_client COORDINATOR POPULATION CA CERT KEY STATE "
                 "DATA.csv\n";
    return 2;
  }
  auto data = tributary::ReadCsv(argv[7], {});
  if (!data.ok()) {
    std::cerr << data.status() << "\n";
    return 1;
  }
  const auto trainer = tributary::MakeTorchTrainer(
      std::make_shared<tributary::Dataset>(*std::move(data)), nullptr);
  tributary::ClientOptions options;
  options.coordinator = argv[1];
  options.population = argv[2];
  options.credentials = {argv[3], argv[4], argv[5]};
  options.state_folder = argv[6];
  auto client = tributary::Client::Create(options, *trainer);
  const absl::Status status = client.ok() ? (*client)->Run() : client.status();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
