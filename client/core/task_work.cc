// SPDX-License-Identifier: Apache-2.0
#include "client/core/task_work.h"

#include <exception>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/core/update.h"
#include "privacy/crypto/digest.h"
#include "privacy/crypto/random.h"

namespace tributary {
namespace {

// Noise that the coordinator sees on this client's update alone.
bool IsSeenUnderOwnNoise(const v1::Task& task) {
  return task.update().encoding() == v1::UpdatePlan::PACKED &&
         !task.has_secure() &&
         task.integers().noise() != v1::IntegerUpdate::NOISE_UNSPECIFIED;
}

// Kept before anything of the update is known outside, its checksum included: a
// task that is offered again to another process of this client would get the
// same update under other noise, for one debit.
absl::Status DrawOnce(const v1::Task& task, StateFolder& folder) {
  const absl::Status kept = folder.noised().Remember(Sha256(task.task_token()));
  if (!absl::IsAlreadyExists(kept)) return kept;
  return absl::FailedPreconditionError(
      "this client has drawn its noise for the task before, and may have sent "
      "it: of one update nobody is to see two");
}

absl::StatusOr<Happening> Train(const v1::Task& wire, const Model& model,
                                Trainer& trainer, StateFolder& folder,
                                const TaskContext& context) {
  SystemRandom system;
  BufferedRandom random(system);
  absl::StatusOr<PreparedUpdate> prepared = TrainUpdate(
      wire, model, trainer, folder.LoadState(wire.run()), random, context);
  if (!prepared.ok()) return prepared.status();
  if (IsSeenUnderOwnNoise(wire)) {
    if (absl::Status status = DrawOnce(wire, folder); !status.ok()) {
      return status;
    }
  }
  // What is to be masked has no bytes yet.
  if (prepared->bytes != nullptr) {
    prepared->header.set_checksum(Checksum(*prepared->bytes));
  }
  Happening happening;
  auto update = std::make_shared<const PreparedUpdate>(*std::move(prepared));
  happening.event = session::Trained{wire.task_token(), update->header,
                                     update->saturated, update->clip_norm};
  happening.update = std::move(update);
  return happening;
}

absl::StatusOr<Happening> Evaluate(const v1::Task& wire, const Model& model,
                                   Trainer& trainer,
                                   const TaskContext& context) {
  const absl::StatusOr<TrainTask> task = ToTrainTask(wire);
  if (!task.ok()) return task.status();
  const absl::StatusOr<EvaluateResult> result =
      trainer.Evaluate(*task, model, context);
  if (!result.ok()) return result.status();
  Happening happening;
  happening.event =
      session::Evaluated{wire.task_token(), result->examples, result->metrics};
  return happening;
}

absl::StatusOr<Happening> Do(const v1::Task& wire, Trainer& trainer,
                             StateFolder& folder, NewestModel& newest,
                             const TaskContext& context) {
  // A model may be too large for this device's memory, and a trainer is the
  // app's code: what is thrown must not end the client.
  try {
    const absl::StatusOr<std::shared_ptr<const Model>> model =
        newest.Become(ModelNameOf(wire));
    if (!model.ok()) return model.status();
    return wire.kind() == v1::Task::TRAIN
               ? Train(wire, **model, trainer, folder, context)
               : Evaluate(wire, **model, trainer, context);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  } catch (const std::exception& thrown) {
    return absl::InternalError(
        absl::StrCat("the trainer threw: ", thrown.what()));
  } catch (...) {
    return absl::InternalError("the trainer threw what is no std::exception");
  }
}

}  // namespace

Happening DoTask(const v1::Task& task, Trainer& trainer, StateFolder& folder,
                 NewestModel& newest, const TaskContext& context) {
  absl::StatusOr<Happening> done = Do(task, trainer, folder, newest, context);
  Happening happening;
  if (done.ok()) {
    happening = *std::move(done);
  } else {
    happening.event = session::WorkFailed{task.task_token(),
                                          std::string(done.status().message())};
  }
  happening.activity = Activity::kWork;
  return happening;
}

}  // namespace tributary
