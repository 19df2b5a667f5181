// SPDX-License-Identifier: Apache-2.0
// The examples that open the public headers, as a user would compile them.
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "tributary/client.h"
#include "tributary/model.h"
#include "tributary/trainer.h"

int TakePart(tributary::Trainer& trainer) {
  tributary::ClientOptions options;
  options.coordinator = "fl.example.org:8470";
  options.population = "pumps";
  options.credentials = {"ca.pem", "pump-17.pem", "pump-17.key"};
  options.state_folder = "/var/lib/pump/tributary";
  options.on_progress = [](const tributary::ClientProgress& progress) {
    std::cout << "round " << progress.round << " " << progress.detail;
  };
  auto client = tributary::Client::Create(options, trainer);
  if (!client.ok()) return 1;
  return (*client)->Run().ok() ? 0 : 1;  // until Stop()
}

// What the newest model, a linear one, says about a reading.
std::optional<float> Predict(const tributary::Client& client,
                             std::span<const float> reading) {
  const auto model = client.LatestModel();
  if (model == nullptr) return std::nullopt;  // none was seen yet
  const std::vector<float>& weights = model->weights;
  float sum = weights[reading.size()];  // the bias
  for (std::size_t i = 0; i < reading.size(); ++i) {
    sum += weights[i] * reading[i];
  }
  return sum;
}

// Finds the mean of readings nobody else sees: a step of gradient descent
// on |w - reading|^2 / 2.
class MeanTrainer : public tributary::Trainer {
 public:
  std::vector<float> reading;
  absl::StatusOr<tributary::TrainResult> Train(
      const tributary::TrainTask& task, const tributary::Model& model,
      std::span<float> delta, const tributary::TaskContext&) override {
    const float rate = static_cast<float>(task.training.learning_rate);
    for (std::size_t i = 0; i < delta.size(); ++i) {
      delta[i] = rate * (reading[i] - model.weights[i]);
    }
    return tributary::TrainResult{.examples = 1, .loss = 0};
  }
};
