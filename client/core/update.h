// SPDX-License-Identifier: Apache-2.0
// From a trained delta to the bytes that leave the client. A simulated client
// whose floats are added where they are made has no bytes, but the same floats
// (StreamUpdate).
//
// With the encoding PACKED as client/core/integer_update.h says, else
//
//   u = the strategy's update of the delta    client/core/strategy.h
//       or its momentum                       client/core/momentum.h
//   y = u + residual                          error feedback (top-k, int8 only)
//   z = clamp(y, -bound, bound)               bound <= max_abs, see below
//   bytes = encode(z)
//   residual' = z - decode(bytes)
//
// The bound is the largest value whose encoding cannot decode to more than
// max_abs. Error feedback: Karimireddy et al. 2019. What the clamp took away is
// counted, not carried over, so the residual is bounded too.
//
// Pure; one thread at a time per call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/manifest.h"
#include "client/core/client_state.h"
#include "client/core/update_bytes.h"
#include "client/core/update_words.h"
#include "privacy/crypto/random.h"
#include "tributary/trainer.h"
#include "tributary/v1/federation.pb.h"

namespace tributary {

struct PreparedUpdate {
  // Without its checksum: that is for bytes that travel.
  v1::UpdateHeader header;
  std::shared_ptr<const UpdateBytes> bytes;
  // Instead of bytes: those come of them under the task's masks.
  std::shared_ptr<const UpdateWords> words;
  // The client state once this update is accepted.
  ClientState state;
  // Coordinates clamped.
  std::uint64_t saturated = 0;
  // The L2 norm to which the update was scaled; 0 if it was not.
  double clip_norm = 0;
};

// InvalidArgument for zero examples and a loss that is not finite.
absl::Status CheckResult(const TrainResult& result);

// One training task: trains, and prepares the update as the plan's strategy
// wants it. `state` is the run's before this task; one that does not fit the
// model counts as empty. `random` is for PACKED (PrepareIntegers).
// InvalidArgument, naming what it is, if the task makes no sense; whatever the
// trainer says.
absl::StatusOr<PreparedUpdate> TrainUpdate(const v1::Task& task,
                                           const Model& model, Trainer& trainer,
                                           const ClientState& state,
                                           RandomSource& random,
                                           const TaskContext& context);

// Whether the updates of such a plan are deltas and nothing besides, so that
// StreamUpdate can make them.
bool IsDeltaAlone(const v1::UpdatePlan& update,
                  const v1::StrategyPlan& strategy);

// Of an update as it is made: values that are finite and within the plan's
// bound.
struct UpdateBlock {
  std::uint32_t weight = 0;  // the update's
  std::size_t offset = 0;    // of the first value in the flat vector
  std::span<const float> values;
  float largest = 0;  // magnitude among them
};
// Takes the blocks in order, until the update ends or is found to be none.
using UpdateSink = std::function<void(const UpdateBlock& block)>;

// The update that TrainUpdate makes of this task, if IsDeltaAlone, for
// those who use its floats and do not keep them: it comes without bytes. Errors
// are those of TrainUpdate; a delta that is not finite shows when blocks before
// it were given already.
absl::StatusOr<PreparedUpdate> StreamUpdate(const v1::Task& task,
                                            const Model& model,
                                            Trainer& trainer,
                                            const UpdateSink& sink,
                                            const TaskContext& context);

// `update` has the floats of the model's manifest and of the strategy's
// auxiliary tensor, if it has one; any encoding but PACKED. InvalidArgument,
// naming the tensor and the
// coordinate, for NaN and infinities; for zero examples, a loss that is not
// finite, or a task that makes no sense.
absl::StatusOr<PreparedUpdate> PrepareUpdate(const v1::Task& task,
                                             const Manifest& manifest,
                                             const TrainResult& result,
                                             std::vector<float> update,
                                             const ClientState& state);

// The header's checksum of these bytes: XXH3-64, seed 0.
std::uint64_t Checksum(const UpdateBytes& bytes);

// A task's training options as the trainer takes them. InvalidArgument unless
// exactly one of epochs and steps is set.
absl::StatusOr<TrainTask> ToTrainTask(const v1::Task& task);

}  // namespace tributary
