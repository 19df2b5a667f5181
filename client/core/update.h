// SPDX-License-Identifier: Apache-2.0
// From a trained delta to the bytes that leave the client; the same function in
// the real client and the simulator, so that both send the same bits.
//
//   y = delta + residual                      error feedback (top-k, int8 only)
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
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/manifest.h"
#include "client/core/update_bytes.h"
#include "tributary/trainer.h"
#include "tributary/v1/federation.pb.h"

namespace tributary {

struct PreparedUpdate {
  v1::UpdateHeader header;
  std::shared_ptr<const UpdateBytes> bytes;
  // The client state once this update is accepted; empty for encodings without
  // error feedback.
  std::vector<float> residual;
  // Coordinates clamped.
  std::uint64_t saturated = 0;
};

// `delta` has manifest.Length() floats; `residual` as many, or none for zero.
// InvalidArgument, naming the tensor and the coordinate, for NaN and
// infinities; for zero examples, a loss that is not finite, or a task that
// makes no sense.
absl::StatusOr<PreparedUpdate> PrepareUpdate(const v1::Task& task,
                                             const Manifest& manifest,
                                             const TrainResult& result,
                                             std::vector<float> delta,
                                             std::span<const float> residual);

// A task's training options as the trainer takes them. InvalidArgument unless
// exactly one of epochs and steps is set.
absl::StatusOr<TrainTask> ToTrainTask(const v1::Task& task);

}  // namespace tributary
