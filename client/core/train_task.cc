// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "absl/status/status.h"
#include "client/core/update.h"

namespace tributary {
namespace {

TrainingOptions::Loss ToLoss(v1::TrainingPlan::Loss loss) {
  switch (loss) {
    case v1::TrainingPlan::MSE:
      return TrainingOptions::Loss::kMse;
    case v1::TrainingPlan::BCE:
      return TrainingOptions::Loss::kBce;
    case v1::TrainingPlan::RECONSTRUCTION:
      return TrainingOptions::Loss::kReconstruction;
    default:
      return TrainingOptions::Loss::kCrossEntropy;
  }
}

std::chrono::milliseconds ToMilliseconds(
    const google::protobuf::Duration& duration) {
  return std::chrono::seconds(duration.seconds()) +
         std::chrono::milliseconds(duration.nanos() / 1'000'000);
}

}  // namespace

absl::StatusOr<TrainTask> ToTrainTask(const v1::Task& task) {
  const v1::TrainingPlan& plan = task.training();
  if (task.kind() == v1::Task::TRAIN && plan.has_epochs() == plan.has_steps()) {
    return absl::InvalidArgumentError(
        "training: exactly one of epochs and steps");
  }
  TrainTask out;
  out.run = task.run();
  out.round = static_cast<int>(task.round());
  if (task.seed().size() == out.seed.size()) {
    std::copy(task.seed().begin(), task.seed().end(), out.seed.begin());
  } else if (task.kind() == v1::Task::TRAIN) {
    return absl::InvalidArgumentError("the task's seed is not 32 bytes");
  }
  TrainingOptions& training = out.training;
  if (plan.has_epochs()) training.epochs = static_cast<int>(plan.epochs());
  if (plan.has_steps()) training.steps = static_cast<int>(plan.steps());
  if (plan.batch_size() > 0) {
    training.batch_size = static_cast<int>(plan.batch_size());
  }
  training.learning_rate = plan.learning_rate();
  training.optimizer = plan.optimizer() == v1::TrainingPlan::ADAM
                           ? TrainingOptions::Optimizer::kAdam
                           : TrainingOptions::Optimizer::kSgd;
  training.momentum = plan.momentum();
  training.weight_decay = plan.weight_decay();
  training.proximal_mu = plan.proximal_mu();
  training.loss = ToLoss(plan.loss());
  if (plan.has_time_limit()) {
    training.time_limit = ToMilliseconds(plan.time_limit());
  }
  return out;
}

}  // namespace tributary
