// SPDX-License-Identifier: Apache-2.0
// Makes a round's model: streams the previous model's file block by block over
// all fold threads through aggregation::Release into a new file, beside it the
// optimizer's new state. A block a thread is all the memory it takes besides
// the sum.
//
// The same sum, model and state give the same bytes, so it may be done again
// after a failure or a crash.
//
// Threads: Start from any; `done` is called on a fold thread, once for each
// Start.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/status/statusor.h"
#include "aggregation/release.h"
#include "coordinator/round/effect.h"
#include "coordinator/runner/model_format.h"
#include "coordinator/runner/optimizer_state.h"
#include "coordinator/runner/work_pool.h"
#include "coordinator/store/blobs.h"

namespace tributary::coordinator {

class ModelRelease : public std::enable_shared_from_this<ModelRelease> {
 public:
  struct Inputs {
    std::shared_ptr<const ModelFormat> format;
    Digest model;  // the one before
    std::optional<round::Mixture> mixture;
    int round = 0;                       // of the model made
    std::filesystem::path state_folder;  // of the optimizer
  };
  using Done = std::function<void(absl::StatusOr<Digest>)>;

  // Blobs and pool outlive it.
  ModelRelease(const store::Blobs& blobs, WorkPool& pool, Inputs inputs,
               aggregation::ExactSum&& sum);

  // Not while another is in progress.
  void Start(Done done);

 private:
  // What one Start works on.
  struct Attempt {
    store::File previous;
    // What the update starts from, if that is mixed with the one before.
    std::optional<store::File> base;
    store::Blobs::Draft draft;
    OptimizerState state_before;
    OptimizerState state_after;
    std::atomic<std::size_t> next_block = 0;
    std::atomic<int> working = 0;
    std::mutex mutex;
    absl::Status status;
    Done done;
  };
  absl::StatusOr<std::shared_ptr<Attempt>> Prepare() const;
  void Work(Attempt& attempt) const;
  absl::Status MakeBlock(Attempt& attempt, std::size_t offset,
                         std::span<float> weights,
                         std::span<std::vector<float>> state) const;
  absl::StatusOr<Digest> Conclude(Attempt& attempt) const;

  const store::Blobs& blobs_;
  WorkPool& pool_;
  Inputs inputs_;
  aggregation::Release release_;
};

}  // namespace tributary::coordinator
