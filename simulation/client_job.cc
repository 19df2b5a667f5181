// SPDX-License-Identifier: Apache-2.0
#include "simulation/client_job.h"

#include <utility>

#include "aggregation/invariant.h"
#include "simulation/received_update.h"

namespace tributary::simulation {

ClientJob::ClientJob(const World& world, v1::Task task,
                     std::shared_ptr<const Model> model)
    : world_(world), task_(std::move(task)), model_(std::move(model)) {}

ClientJob::~ClientJob() {
  if (is_added_) world_.coordinator.sums().Withdraw(*this);
}

void ClientJob::Do() {
  if (context.Cancelled()) return;
  client ? Train() : Evaluate();
}

std::string ClientJob::Outcome() const {
  return client ? Serialise(training) : Serialise(judgement);
}

absl::Status ClientJob::Learn(std::string_view outcome) {
  return client ? Parse(outcome, training) : Parse(outcome, judgement);
}

void ClientJob::Train() {
  const auto trainer = world_.participants.MakeTrainer(*client);
  if (adds_to) {
    if (auto loan = world_.coordinator.sums().Borrow(*adds_to)) {
      return TrainInto(*trainer, *loan);
    }
  }
  KeyedStream stream(world_.noise_key, task_.task_token());
  BufferedRandom random(stream);
  training.update =
      TrainUpdate(task_, *model_, *trainer,
                  state == nullptr ? ClientState() : *state, random, context);
  // What is to be masked has no bytes yet, and nobody sees what it is.
  if (!training.update.ok() || training.update->bytes == nullptr) return;
  training.defect =
      integers != nullptr
          ? Verify(integers, *training.update->bytes)
          : Verify(world_.coordinator.format(), training.update->header,
                   *training.update->bytes);
}

void ClientJob::TrainInto(Trainer& trainer, PartialSums::Loan& loan) {
  std::size_t added = 0;
  training.update = StreamUpdate(
      task_, *model_, trainer,
      [&](const UpdateBlock& block) {
        loan.sum().AddBlock(block.offset, block.values, block.largest,
                            world_.coordinator.CountedWeight(block.weight));
        added = block.offset + block.values.size();
      },
      context);
  if (training.update.ok()) {
    loan.Commit(*this);
    is_added_ = true;
  } else if (added > 0) {
    Subtract(added, loan.sum());
  }
}

void ClientJob::TakeFrom(aggregation::NarrowSum& sum) {
  Subtract(model_->manifest.Length(), sum);
}

// Of the update that was added, the coordinates before `end`: made once more,
// as the same task on the same data gives the same floats.
void ClientJob::Subtract(std::size_t end, aggregation::NarrowSum& sum) const {
  const auto trainer = world_.participants.MakeTrainer(*client);
  const TaskContext undisturbed;
  std::size_t subtracted = 0;
  // That its end is no number again is no news.
  StreamUpdate(
      task_, *model_, *trainer,
      [&](const UpdateBlock& block) {
        if (block.offset >= end) return;
        sum.SubtractBlock(block.offset, block.values,
                          world_.coordinator.CountedWeight(block.weight));
        subtracted = block.offset + block.values.size();
      },
      undisturbed)
      .IgnoreError();
  // Or the sum would hold an update that nobody accepted.
  TRIBUTARY_INVARIANT(subtracted, ==, end);
}

void ClientJob::Evaluate() {
  const auto trainer = world_.participants.MakeEvaluator();
  const auto train_task = ToTrainTask(task_);
  judgement = train_task.ok() ? trainer->Evaluate(*train_task, *model_, context)
                              : train_task.status();
}

void ClientJob::NoteIn(Journal& journal) const {
  if (task_.kind() == v1::Task::EVALUATE) {
    return journal.NoteJudgement(judgement);
  }
  const auto& update = training.update;
  if (!update.ok()) return journal.NoteUpdate(update.status());
  const v1::UpdateHeader& header = update->header;
  journal.NoteUpdate(Journal::Update{.size = header.size(),
                                     .weight = header.weight(),
                                     .train_loss = header.train_loss()});
}

void ClientJob::RecallFrom(Journal& journal) {
  if (task_.kind() == v1::Task::EVALUATE) {
    judgement = journal.RecallJudgement();
    return;
  }
  const auto noted = journal.RecallUpdate();
  if (!noted.ok()) {
    training.update = noted.status();
    return;
  }
  PreparedUpdate recalled;
  v1::UpdateHeader& header = recalled.header;
  header.set_task_token(task_.task_token());
  header.set_encoding(task_.update().encoding());
  header.set_size(noted->size);
  header.set_weight(noted->weight);
  header.set_base_model(task_.model());
  header.set_train_loss(noted->train_loss);
  training.update = std::move(recalled);
}

}  // namespace tributary::simulation
