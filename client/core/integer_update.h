// SPDX-License-Identifier: Apache-2.0
// From a trained delta to the words of an update of encoding PACKED.
//
//   u     = the strategy's update of the delta       client/core/strategy.h
//   z     = clip(u, clip_norm)   under privacy       privacy/dp/clipping.h
//         | clamp(u, max_abs)    without
//   words = round(z / step), and what is one client's alone
//                                                    aggregation/integer_update.h
//   words = words + noise        where the client adds its own
//                                                    privacy/dp/integer_noise.h
//
// What is clipped is clamped to the bounds of its grids, too: buffers and what
// a strategy adds have their own. Under privacy rounding is stochastic, again
// while the integers' norm is over integers.norm_bound; without, it is to
// nearest, ties to even. What is masked stays words; what is not is packed to
// the bit.
//
// Pure but for `random`; one thread at a time per call.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/manifest.h"
#include "client/core/client_state.h"
#include "client/core/update.h"
#include "privacy/crypto/random.h"
#include "tributary/trainer.h"
#include "tributary/v1/federation.pb.h"

namespace tributary {

// Whether a task of encoding PACKED fits this model and, if its update is to be
// masked, its session's terms: as many words of as many bits, and none of them,
// noise included, beyond Terms::LargestInput whatever training gives. Asked
// before it: that a mask failed for a value would tell something of the value.
// InvalidArgument that names the field.
absl::Status CheckIntegers(const v1::Task& task, const Manifest& manifest);

// As PrepareUpdate, for a task of encoding PACKED. The update has `words` and
// no bytes if the task is to be masked, otherwise bytes and no words; its
// header says weight 1 and loss 0. If the update was clipped to the plan's
// norm, all its coordinates count as saturated. Rounding and noise are drawn
// from `random`: a BufferedRandom over SystemRandom where they are to protect
// somebody.
absl::StatusOr<PreparedUpdate> PrepareIntegers(
    const v1::Task& task, const Manifest& manifest, const TrainResult& result,
    std::vector<float> update, const ClientState& state, RandomSource& random);

}  // namespace tributary
