// SPDX-License-Identifier: Apache-2.0
// One task's training or evaluation, as a piece of shared work. An update that
// can be is added to the round's sum where it is made; then the job stands for
// it, and takes it out of the sum again unless it is accepted.
//
// Its owner's thread fills it and reads what it gave once it is awaited; any
// thread does it meanwhile. Lifetime: the world, the state and the job's place
// in memory outlive the work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "client/core/update.h"
#include "coordinator/secure/integer_round.h"
#include "simulation/job_outcome.h"
#include "simulation/partial_sums.h"
#include "simulation/shared_work.h"
#include "simulation/world.h"
#include "tributary/trainer.h"
#include "tributary/v1/federation.pb.h"

namespace tributary::simulation {

class ClientJob final : public SharedWork::Job, public AddedUpdate {
 public:
  ClientJob(const World& world, v1::Task task,
            std::shared_ptr<const Model> model);
  // Withdraws what it added.
  ~ClientJob() override;
  ClientJob(const ClientJob&) = delete;
  ClientJob& operator=(const ClientJob&) = delete;

  void Do() override;
  std::string Outcome() const override;
  absl::Status Learn(std::string_view outcome) override;
  void TakeFrom(aggregation::NarrowSum& sum) override;

  // What it gave; a recalled update has neither bytes nor a state, as nobody
  // reads them in a replay.
  void NoteIn(Journal& journal) const;
  void RecallFrom(Journal& journal);

  const v1::Task& task() const { return task_; }
  // Whether its update is in the sum.
  bool IsAdded() const { return is_added_; }

  // Of the client's data; nothing for the evaluator.
  std::optional<std::size_t> client;
  // The client's before this task; null: none.
  const ClientState* state = nullptr;
  TaskContext context;
  // None: nobody would take what it gives.
  std::optional<SharedWork::Demand> demand;
  // None: not submitted, as the journal has what it gives.
  std::optional<SharedWork::JobId> id;
  // Of the task, where updates are integers.
  std::shared_ptr<const coordinator::IntegerRound> integers;
  // The attempt whose sum the update may be added to where it is made.
  std::optional<std::uint64_t> adds_to;

  TrainingOutcome training;
  EvaluationOutcome judgement = absl::UnknownError("not judged");

 private:
  void Train();
  void TrainInto(Trainer& trainer, PartialSums::Loan& loan);
  void Subtract(std::size_t end, aggregation::NarrowSum& sum) const;
  void Evaluate();

  const World& world_;
  const v1::Task task_;
  const std::shared_ptr<const Model> model_;
  bool is_added_ = false;
};

}  // namespace tributary::simulation
