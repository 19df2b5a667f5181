// SPDX-License-Identifier: Apache-2.0
// A client with a trainer of its own: linear regression, by hand. The model has
// one weight and one bias; the data never leaves this program.
//
//   own_trainer COORDINATOR POPULATION CA.pem CERT.pem KEY.pem STATE_FOLDER
//   own_trainer --self-check
#include <cmath>
#include <cstring>
#include <iostream>
#include <span>
#include <vector>

#include "tributary/client.h"

namespace {

// One vibration sensor: y is the wear after x hours.
struct Reading {
  float x;
  float y;
};

class LineTrainer : public tributary::Trainer {
 public:
  explicit LineTrainer(std::vector<Reading> readings)
      : readings_(std::move(readings)) {}

  absl::StatusOr<tributary::TrainResult> Train(
      const tributary::TrainTask& task, const tributary::Model& model,
      std::span<float> delta, const tributary::TaskContext& context) override {
    if (model.weights.size() != 2) {
      return absl::InvalidArgumentError("expected a weight and a bias");
    }
    const float rate = static_cast<float>(task.training.learning_rate);
    double loss = 0;
    for (int epoch = 0; epoch < task.training.epochs.value_or(1); ++epoch) {
      if (context.Cancelled()) return absl::CancelledError();
      loss = 0;
      for (const auto& [x, y] : readings_) {
        const float weight = model.weights[0] + delta[0];
        const float bias = model.weights[1] + delta[1];
        const float error = weight * x + bias - y;
        delta[0] -= rate * error * x;
        delta[1] -= rate * error;
        loss += error * error / static_cast<double>(readings_.size());
      }
    }
    return tributary::TrainResult{
        .examples = static_cast<std::uint32_t>(readings_.size()), .loss = loss};
  }

 private:
  std::vector<Reading> readings_;
};

// Trains once without a coordinator.
int SelfCheck(LineTrainer& trainer) {
  tributary::Model model;
  model.weights = {0, 0};
  tributary::TrainTask task;
  task.training.epochs = 200;
  task.training.learning_rate = 0.1;
  std::vector<float> delta(2);
  const auto result =
      trainer.Train(task, model, delta, tributary::TaskContext());
  if (!result.ok() || std::fabs(delta[0] - 2) > 0.1F) return 1;
  std::cout << "y = " << delta[0] << " x + " << delta[1] << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  LineTrainer trainer({{0, 1}, {0.5, 2}, {1, 3}, {1.5, 4}});
  if (argc == 2 && std::strcmp(argv[1], "--self-check") == 0) {
    return SelfCheck(trainer);
  }
  if (argc != 7) {
    std::cerr
        << "usage: own_trainer COORDINATOR POPULATION CA CERT KEY STATE\n";
    return 2;
  }
  tributary::ClientOptions options;
  options.coordinator = argv[1];
  options.population = argv[2];
  options.credentials = {argv[3], argv[4], argv[5]};
  options.state_folder = argv[6];
  auto client = tributary::Client::Create(options, trainer);
  const absl::Status status = client.ok() ? (*client)->Run() : client.status();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
