// SPDX-License-Identifier: Apache-2.0
// What the plan's robust rule makes of an attempt's accepted updates: its sum,
// and whose updates were outliers. The rule reads the updates from the spool
// (coordinator/runner/spooled_updates.h) on one fold thread, which the others
// help with each block.
//
// Pure in what it gives: the same updates, state and key give the same bits, so
// it may be done again after a failure of the disk or a crash.
//
// Threads: Start from any; `done` is called on a fold thread, once for each
// Start. Cancel from any.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/robust/recipe.h"
#include "coordinator/robust/robust_attempt.h"
#include "coordinator/round/types.h"
#include "coordinator/runner/model_format.h"
#include "coordinator/runner/spooled_updates.h"
#include "coordinator/runner/work_pool.h"
#include "privacy/crypto/random.h"

namespace tributary::coordinator {

class RobustFinish : public std::enable_shared_from_this<RobustFinish> {
 public:
  struct Inputs {
    std::shared_ptr<const ModelFormat> format;
    robust::Recipe recipe;
    // The part of the mean weight below which an update is an outlier.
    double outlier_weight = 0;
    std::vector<SpooledUpdates::Row> updates;  // sorted by client
    Key run_key{};
    int round = 0;
    int attempt = 0;
    std::filesystem::path state_folder;  // of the optimizer
  };
  using Done = std::function<void(absl::StatusOr<RobustResult>)>;

  // The pool outlives it.
  RobustFinish(WorkPool& pool, Inputs inputs);

  // Not while another is in progress. Errors are those of reading the updates
  // and the optimizer's state; InvalidArgument if the updates are too few for
  // the rule; Cancelled.
  void Start(Done done);
  // What is in progress ends early.
  void Cancel() { updates_.Cancel(); }
  std::size_t updates() const { return clients_.size(); }

 private:
  absl::StatusOr<RobustResult> Run();
  // Where the rule begins: its result of the round before. Empty if it needs
  // none.
  absl::StatusOr<std::vector<float>> Center() const;

  WorkPool& pool_;
  const std::shared_ptr<const ModelFormat> format_;
  const robust::Recipe recipe_;
  const double outlier_weight_;
  const Key run_key_;
  const int round_;
  const int attempt_;
  const std::filesystem::path state_folder_;
  std::vector<round::ClientId> clients_;  // by row
  SpooledUpdates updates_;
};

}  // namespace tributary::coordinator
