// SPDX-License-Identifier: Apache-2.0
#include "simulation/trial.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/core/update.h"
#include "privacy/crypto/random.h"
#include "simulation/partition.h"

namespace tributary::simulation {

v1::Task TrialTask(const v1::Plan& plan, v1::Task::Kind kind) {
  v1::Task task;
  task.set_kind(kind);
  task.set_run(plan.name());
  task.set_round(1);
  task.set_seed(std::string(sizeof(Key), '\0'));
  *task.mutable_training() = plan.training();
  *task.mutable_update() = plan.update();
  if (plan.has_strategy()) *task.mutable_strategy() = plan.strategy();
  return task;
}

absl::Status TryOneStep(const v1::Plan& plan, const Participants& participants,
                        const Model& model) {
  std::size_t client = 0;
  while (client < participants.clients() &&
         participants.Examples(client) == 0) {
    ++client;
  }
  if (client == participants.clients()) return absl::OkStatus();
  v1::Task task = TrialTask(plan, v1::Task::TRAIN);
  task.mutable_training()->clear_epochs();
  task.mutable_training()->set_steps(1);
  const auto train_task = ToTrainTask(task);
  if (!train_task.ok()) return train_task.status();
  std::vector<float> delta(model.manifest.Length());
  const auto trained = participants.MakeTrainer(client)->Train(
      *train_task, model, delta, TaskContext());
  // Another client, another step may do better than one that failed.
  if (trained.status().code() != absl::StatusCode::kInvalidArgument) {
    return absl::OkStatus();
  }
  return absl::Status(
      trained.status().code(),
      absl::StrCat("the model does not train on the data: ", ClientName(client),
                   ": ", trained.status().message()));
}

}  // namespace tributary::simulation
