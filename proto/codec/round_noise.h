// SPDX-License-Identifier: Apache-2.0
// How much noise a round of a plan needs: the one place that says so, to tasks,
// to the coordinator and to the ledger. Pure; any thread.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// Variances in grid points squared, of noise that is certain to be there:
// however it is rounded, it is rounded up.
struct RoundNoise {
  // On each coordinate of the sum; with local noise of each client's update.
  double update_variance = 0;
  // On the sum of the clip words; 0 if there are none.
  double clip_word_variance = 0;
  // Clients of whose shares it is made up: 1 unless it is distributed.
  std::uint32_t shares = 1;
};

// Of a plan with privacy, its defaults and its noise multiplier z, where the
// integers of one client have L2 norm `norm_bound` at most:
//     update_variance = (z norm_bound)^2
// With an adaptive clip norm z_delta stands for z (privacy/dp/adaptive_clip.h).
// InvalidArgument, naming the key, if there is no such noise: nobody is certain
// to bring a share of it, it is more than the samplers draw, or the clip count
// costs as much as the whole round may.
absl::StatusOr<RoundNoise> NoiseOf(const v1::Plan& plan, double norm_bound);

}  // namespace tributary::codec
