// SPDX-License-Identifier: Apache-2.0
// A client's training task, as its coordinator would send it.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "tributary/model.h"
#include "tributary/v1/federation.pb.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::bench {

inline v1::Task TaskOf(const v1::Plan& plan, const Model& model,
                       std::uint32_t round, std::size_t client) {
  v1::Task task;
  task.set_kind(v1::Task::TRAIN);
  task.set_run("bench");
  task.set_round(round);
  task.set_attempt(1);
  task.set_task_token(std::string(16, 't'));
  task.set_model(std::string(model.id.AsBytes()));
  *task.mutable_training() = plan.training();
  *task.mutable_update() = plan.update();
  std::string seed(32, 's');
  std::memcpy(seed.data(), &round, sizeof round);
  std::memcpy(seed.data() + 8, &client, sizeof client);
  task.set_seed(seed);
  return task;
}

}  // namespace tributary::bench
