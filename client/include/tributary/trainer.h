// SPDX-License-Identifier: Apache-2.0
// The code that trains on a client. Implement this to bring your own; or use
// the one over LibTorch (tributary/torch_trainer.h).
//
//   // Finds the mean of readings nobody else sees: a step of gradient descent
//   // on |w - reading|^2 / 2.
//   class MeanTrainer : public tributary::Trainer {
//    public:
//     std::vector<float> reading;
//     absl::StatusOr<tributary::TrainResult> Train(
//         const tributary::TrainTask& task, const tributary::Model& model,
//         std::span<float> delta, const tributary::TaskContext&) override {
//       const float rate = static_cast<float>(task.training.learning_rate);
//       for (std::size_t i = 0; i < delta.size(); ++i) {
//         delta[i] = rate * (reading[i] - model.weights[i]);
//       }
//       return tributary::TrainResult{.examples = 1, .loss = 0};
//     }
//   };
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "privacy/crypto/random.h"
#include "tributary/model.h"

namespace tributary {

// How a plan asks for training to be done. A trainer follows what applies.
struct TrainingOptions {
  // kReconstruction: outputs against the example's own features.
  enum class Loss { kCrossEntropy, kMse, kBce, kReconstruction };
  enum class Optimizer { kSgd, kAdam };
  // Exactly one is set: passes over the data, or optimizer steps.
  std::optional<int> epochs;
  std::optional<int> steps;
  int batch_size = 32;
  double learning_rate = 0.01;
  Optimizer optimizer = Optimizer::kSgd;
  double momentum = 0;
  double weight_decay = 0;
  // FedProx: adds mu/2 |w - w_global|^2 to the loss (Li et al. 2020). 0: off.
  double proximal_mu = 0;
  Loss loss = Loss::kCrossEntropy;
  // Stop after this long and return what there is.
  std::optional<std::chrono::milliseconds> time_limit;
};

struct TrainTask {
  std::string run;
  int round = 0;
  TrainingOptions training;
  // Keys shuffles and other reproducible choices; the same task on the same
  // data gives the same delta.
  Key seed{};
  // Added to the gradient of the loss at every step: floats for all trainable
  // parameters, or none. Strategies such as SCAFFOLD steer by it
  // (docs/strategies.md); a trainer that ignores it makes them FedAvg.
  std::span<const float> correction;
  // Parts of the flat vector whose parameters stay as they are; often none.
  std::vector<FlatRange> frozen;
  // TrainResult.initial_loss is wanted.
  bool wants_initial_loss = false;
};

// What training gives besides the delta.
struct TrainResult {
  // Examples trained on: the update's weight. At least 1.
  std::uint32_t examples = 0;
  // Mean loss over the last pass (or all steps).
  double loss = 0;
  // Optimizer steps taken. Strategies that need it refuse a task without.
  std::uint64_t steps = 0;
  // Mean loss of the model that training started from, over all of the client's
  // examples. Needed if the task says that it is wanted.
  std::optional<double> initial_loss = std::nullopt;
};

// Finite values by name: "loss", "accuracy".
struct EvaluateResult {
  std::uint64_t examples = 0;
  std::map<std::string, double> metrics;
};

// Between the client and a running trainer. Thread-safe.
class TaskContext {
 public:
  // The task is no longer wanted: return absl::CancelledError() soon.
  bool Cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }

 private:
  std::atomic<bool> cancelled_ = false;
};

// Of a delta, while it is made.
struct DeltaBlock {
  const TrainResult& result;  // what was trained
  std::size_t offset = 0;     // of the first float in the flat vector
  std::span<float> values;    // the taker's to change; gone afterwards
  // The largest magnitude among them, not finite if one of them is not.
  // Nothing: nobody has looked.
  std::optional<float> largest = {};
};
// Takes the blocks of a delta, in order; they cover the vector once.
using DeltaSink = std::function<void(const DeltaBlock& block)>;

// Calls come one at a time, from a thread of the client.
class Trainer {
 public:
  virtual ~Trainer() = default;

  // Trains from `model` and writes trained - model.weights to `delta`
  // (model.manifest.Length() floats, zero on entry). An error is reported to
  // the coordinator as a failed task; the client goes on.
  virtual absl::StatusOr<TrainResult> Train(const TrainTask& task,
                                            const Model& model,
                                            std::span<float> delta,
                                            const TaskContext& context) = 0;

  // The same for those who use a delta and do not keep it: nothing is given to
  // `sink` if there is an error. Calls Train unless a trainer knows a way
  // without a vector of the delta; the floats are the same.
  virtual absl::StatusOr<TrainResult> TrainInto(const TrainTask& task,
                                                const Model& model,
                                                const DeltaSink& sink,
                                                const TaskContext& context);

  // Judges `model` on this client's data. Only asked of evaluators.
  virtual absl::StatusOr<EvaluateResult> Evaluate(const TrainTask& task,
                                                  const Model& model,
                                                  const TaskContext& context);
};

}  // namespace tributary
