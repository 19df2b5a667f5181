// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/robust_finish.h"

#include <algorithm>
#include <span>
#include <utility>

#include "aggregation/server_optimizer.h"
#include "coordinator/robust/robust_sum.h"
#include "coordinator/runner/optimizer_state.h"

namespace tributary::coordinator {

RobustFinish::RobustFinish(WorkPool& pool, Inputs inputs)
    : pool_(pool),
      format_(std::move(inputs.format)),
      recipe_(std::move(inputs.recipe)),
      outlier_weight_(inputs.outlier_weight),
      run_key_(inputs.run_key),
      round_(inputs.round),
      attempt_(inputs.attempt),
      state_folder_(std::move(inputs.state_folder)),
      clients_([&] {
        std::vector<round::ClientId> clients;
        for (const auto& row : inputs.updates) clients.push_back({row.client});
        return clients;
      }()),
      updates_(std::move(inputs.updates), format_->layout.length) {}

void RobustFinish::Start(Done done) {
  pool_.Post([self = shared_from_this(), done = std::move(done)] {
    done(self->Run());
  });
}

absl::StatusOr<RobustResult> RobustFinish::Run() {
  const absl::StatusOr<std::vector<float>> center = Center();
  if (!center.ok()) return center.status();
  const robust::Execution execution{
      .for_each = [this](std::size_t count,
                         const auto& task) { pool_.Together(count, task); },
      .block_bytes = SpooledUpdates::kBlockBytes};
  absl::StatusOr<RobustResult> result =
      EndAttempt({.recipe = recipe_,
                  .outlier_weight = outlier_weight_,
                  .run_key = run_key_,
                  .round = round_,
                  .attempt = attempt_},
                 {.updates = updates_,
                  .clients = clients_,
                  .layout = format_->layout,
                  .center = *center},
                 execution);
  if (!result.ok()) return result;
  if (auto verified = updates_.Verify(execution.for_each); !verified.ok()) {
    return verified;
  }
  return result;
}

absl::StatusOr<std::vector<float>> RobustFinish::Center() const {
  std::vector<float> center;
  if (!NeedsCenter(recipe_)) return center;
  const std::size_t trainable = format_->layout.trainable;
  const absl::StatusOr<OptimizerState> state = OptimizerState::Read(
      state_folder_, round_ - 1,
      {.trainable = trainable, .vectors = format_->StateVectors()});
  if (!state.ok()) return state.status();
  center.resize(trainable);
  // Behind the optimizer's own.
  const int vector = aggregation::StateVectors(format_->optimizer);
  for (std::size_t offset = 0; offset < trainable;
       offset += OptimizerState::kBlock) {
    const std::size_t count =
        std::min(OptimizerState::kBlock, trainable - offset);
    const absl::Status read = state->ReadBlock(
        vector, offset, std::span(center).subspan(offset, count));
    if (!read.ok()) return read;
  }
  return center;
}

}  // namespace tributary::coordinator
