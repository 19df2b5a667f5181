// SPDX-License-Identifier: Apache-2.0
// One task on the trainer's thread: load the model, train or evaluate, prepare
// the update.
#pragma once

#include "client/core/event_queue.h"
#include "client/core/newest_model.h"
#include "client/core/state_folder.h"
#include "tributary/trainer.h"
#include "tributary/v1/federation.pb.h"

namespace tributary {

// What came of it: Trained, Evaluated or WorkFailed. Exceptions of the trainer
// become WorkFailed. Blocks for as long as the trainer does.
Happening DoTask(const v1::Task& task, Trainer& trainer, StateFolder& folder,
                 NewestModel& newest, const TaskContext& context);

}  // namespace tributary
