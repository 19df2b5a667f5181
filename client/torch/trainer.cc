// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/torch/delta.h"
#include "client/torch/epochs.h"
#include "client/torch/networks.h"
#include "client/torch/ranking.h"
#include "client/torch/steps.h"
#include "client/torch/subset_trainer.h"
#include "tributary/torch_trainer.h"

namespace tributary {
namespace {

using torch_internal::Epochs;
using torch_internal::Subtract;
using torch_internal::SubtractAndReset;

// Examples judged at once.
constexpr std::size_t kEvaluationBatch = 256;

// Floats of a delta that are made at once: they stay in the first cache.
constexpr std::size_t kDeltaBlock = 2048;

absl::Status CheckOptions(const TrainingOptions& options) {
  if (options.epochs.has_value() == options.steps.has_value()) {
    return absl::InvalidArgumentError("exactly one of epochs and steps");
  }
  if (options.epochs.value_or(1) < 1 || options.steps.value_or(1) < 1) {
    return absl::InvalidArgumentError("epochs and steps must be at least 1");
  }
  if (options.batch_size < 1) {
    return absl::InvalidArgumentError("batch_size must be at least 1");
  }
  return absl::OkStatus();
}

std::vector<std::uint32_t> AllRows(const Dataset* data) {
  std::vector<std::uint32_t> rows(data == nullptr ? 0 : data->Size());
  std::iota(rows.begin(), rows.end(), 0u);
  return rows;
}

// Mean loss over the examples of a pass.
class MeanLoss {
 public:
  void Add(double mean, std::size_t examples) {
    sum_ += mean * static_cast<double>(examples);
    examples_ += examples;
  }
  double Mean() const { return sum_ / static_cast<double>(examples_); }

 private:
  double sum_ = 0;
  std::size_t examples_ = 0;
};

// Over these rows; sums, and scores in their order.
absl::StatusOr<torch_internal::Judgement> JudgeAll(
    torch_internal::Network& network, const Dataset& data,
    std::span<const std::uint32_t> rows, TrainingOptions::Loss loss,
    const TaskContext& context) {
  torch_internal::Judgement total;
  for (std::size_t at = 0; at < rows.size(); at += kEvaluationBatch) {
    if (context.Cancelled()) return absl::CancelledError("task cancelled");
    auto judged = network.Judge(
        data, rows.subspan(at, std::min(kEvaluationBatch, rows.size() - at)),
        loss);
    if (!judged.ok()) return judged.status();
    total.loss += judged->loss;
    total.correct += judged->correct;
    total.scores.insert(total.scores.end(), judged->scores.begin(),
                        judged->scores.end());
  }
  return total;
}

class TorchTrainer final : public Trainer {
 public:
  TorchTrainer(std::shared_ptr<const Dataset> train,
               std::vector<std::uint32_t> rows,
               std::shared_ptr<const Dataset> test,
               std::vector<std::uint32_t> test_rows,
               std::shared_ptr<TorchNetworks> networks)
      : train_(std::move(train)),
        rows_(std::move(rows)),
        test_(std::move(test)),
        test_rows_(std::move(test_rows)),
        networks_(networks ? std::move(networks) : MakeTorchNetworks()) {}

  absl::StatusOr<TrainResult> Train(const TrainTask& task, const Model& model,
                                    std::span<float> delta,
                                    const TaskContext& context) override;
  absl::StatusOr<TrainResult> TrainInto(const TrainTask& task,
                                        const Model& model,
                                        const DeltaSink& sink,
                                        const TaskContext& context) override;
  absl::StatusOr<EvaluateResult> Evaluate(const TrainTask& task,
                                          const Model& model,
                                          const TaskContext& context) override;

 private:
  // Trains a network that holds the model's weights.
  absl::StatusOr<TrainResult> Fit(const TrainTask& task, const Model& model,
                                  torch_internal::Network& network,
                                  const TaskContext& context) const;

  const std::shared_ptr<const Dataset> train_;
  const std::vector<std::uint32_t> rows_;  // of train_, to train on
  const std::shared_ptr<const Dataset> test_;
  const std::vector<std::uint32_t> test_rows_;  // of test_, to evaluate on
  const std::shared_ptr<TorchNetworks> networks_;
};

absl::StatusOr<TrainResult> TorchTrainer::Train(const TrainTask& task,
                                                const Model& model,
                                                std::span<float> delta,
                                                const TaskContext& context) {
  if (delta.size() != model.manifest.Length()) {
    return absl::InvalidArgumentError(
        absl::StrCat("room for ", delta.size(),
                     " floats of delta, the model "
                     "has ",
                     model.manifest.Length()));
  }
  auto network = networks_->Borrow(model);
  if (!network.ok()) return network.status();
  auto result = Fit(task, model, **network, context);
  if (result.ok()) Subtract((*network)->weights(), model.weights, delta);
  return result;
}

absl::StatusOr<TrainResult> TorchTrainer::TrainInto(
    const TrainTask& task, const Model& model, const DeltaSink& sink,
    const TaskContext& context) {
  auto network = networks_->Borrow(model);
  if (!network.ok()) return network.status();
  const auto result = Fit(task, model, **network, context);
  if (!result.ok()) return result;
  const std::span<float> trained = (*network)->weights();
  const std::span<const float> start = model.weights;
  std::array<float, kDeltaBlock> block;
  for (std::size_t at = 0; at < trained.size(); at += kDeltaBlock) {
    const std::size_t count = std::min(kDeltaBlock, trained.size() - at);
    const std::span<float> delta = std::span(block).first(count);
    const float largest = SubtractAndReset(trained.subspan(at, count),
                                           start.subspan(at, count), delta);
    sink(
        {.result = *result, .offset = at, .values = delta, .largest = largest});
  }
  network->SayItHolds(model.id);
  return result;
}

absl::StatusOr<TrainResult> TorchTrainer::Fit(
    const TrainTask& task, const Model& model, torch_internal::Network& network,
    const TaskContext& context) const {
  const auto started = std::chrono::steady_clock::now();
  const TrainingOptions& options = task.training;
  if (auto status = CheckOptions(options); !status.ok()) return status;
  if (rows_.empty()) {
    return absl::FailedPreconditionError("there are no training examples");
  }
  if (!task.correction.empty() &&
      task.correction.size() != model.manifest.TrainableLength()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a correction of ", task.correction.size(), " floats for ",
                     model.manifest.TrainableLength(), " parameters"));
  }
  network.BeginTask(task.seed);
  TrainResult result;
  if (task.wants_initial_loss) {
    const auto judged =
        JudgeAll(network, *train_, rows_, options.loss, context);
    if (!judged.ok()) return judged.status();
    result.initial_loss = judged->loss / static_cast<double>(rows_.size());
  }

  const auto descent = torch_internal::MakeSteps(network, task, model);
  if (!descent.ok()) return descent.status();
  Epochs epochs(task.seed, rows_, static_cast<std::size_t>(options.batch_size));
  MeanLoss loss;
  std::size_t seen = 0;
  std::uint64_t steps = 0;
  int passes = 0;
  for (int step = 1;; ++step) {
    if (context.Cancelled()) return absl::CancelledError("task cancelled");
    const std::span<const std::uint32_t> rows = epochs.Next();
    const auto batch_loss = (*descent)->Take(*train_, rows);
    if (!batch_loss.ok()) return batch_loss.status();
    if (!std::isfinite(*batch_loss)) {
      return absl::OutOfRangeError(
          absl::StrCat("the loss is ", *batch_loss, " at step ", step));
    }
    ++steps;
    seen += rows.size();
    loss.Add(*batch_loss, rows.size());
    if (epochs.AtEnd()) ++passes;
    const bool done = options.epochs.has_value() ? passes == *options.epochs
                                                 : step == *options.steps;
    if (done ||
        (options.time_limit.has_value() &&
         std::chrono::steady_clock::now() - started >= *options.time_limit)) {
      break;
    }
    if (options.epochs.has_value() && epochs.AtEnd()) loss = MeanLoss();
  }

  if (auto here = network.Download(); !here.ok()) return here;
  result.examples = static_cast<std::uint32_t>(std::min<std::size_t>(
      {seen, rows_.size(), std::numeric_limits<std::uint32_t>::max()}));
  result.loss = loss.Mean();
  result.steps = steps;
  return result;
}

absl::StatusOr<EvaluateResult> TorchTrainer::Evaluate(
    const TrainTask& task, const Model& model, const TaskContext& context) {
  if (test_rows_.empty()) {
    return absl::FailedPreconditionError("there are no test examples");
  }
  auto network = networks_->Borrow(model);
  if (!network.ok()) return network.status();
  const auto total =
      JudgeAll(**network, *test_, test_rows_, task.training.loss, context);
  if (!total.ok()) return total.status();
  const double examples = static_cast<double>(test_rows_.size());
  const double loss = total->loss / examples;
  if (!std::isfinite(loss)) {
    return absl::OutOfRangeError(absl::StrCat("the loss is ", loss));
  }
  EvaluateResult result;
  result.examples = test_rows_.size();
  result.metrics["loss"] = loss;
  if (task.training.loss == TrainingOptions::Loss::kCrossEntropy ||
      task.training.loss == TrainingOptions::Loss::kBce) {
    result.metrics["accuracy"] = static_cast<double>(total->correct) / examples;
  }
  if (!total->scores.empty()) {
    std::vector<float> labels;
    for (const std::uint32_t row : test_rows_) {
      labels.push_back(test_->targets[row]);
    }
    const auto area = torch_internal::AreaUnderCurve(total->scores, labels);
    if (area) result.metrics["auc"] = *area;
  }
  return result;
}

}  // namespace

std::unique_ptr<Trainer> MakeTorchTrainer(
    std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> test,
    std::shared_ptr<TorchNetworks> networks) {
  std::vector<std::uint32_t> rows = AllRows(train.get());
  std::vector<std::uint32_t> test_rows = AllRows(test.get());
  return std::make_unique<TorchTrainer>(std::move(train), std::move(rows),
                                        std::move(test), std::move(test_rows),
                                        std::move(networks));
}

std::unique_ptr<Trainer> MakeSubsetTrainer(
    std::shared_ptr<const Dataset> data, std::vector<std::uint32_t> rows,
    std::shared_ptr<TorchNetworks> networks) {
  return std::make_unique<TorchTrainer>(std::move(data), std::move(rows),
                                        nullptr, std::vector<std::uint32_t>(),
                                        std::move(networks));
}

std::unique_ptr<Trainer> MakeSubsetEvaluator(
    std::shared_ptr<const Dataset> data, std::vector<std::uint32_t> rows,
    std::shared_ptr<TorchNetworks> networks) {
  return std::make_unique<TorchTrainer>(nullptr, std::vector<std::uint32_t>(),
                                        std::move(data), std::move(rows),
                                        std::move(networks));
}

}  // namespace tributary
