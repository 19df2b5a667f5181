// SPDX-License-Identifier: Apache-2.0
// Centered clipping: no update pulls further than tau.
//
//   v <- v + mean of (x_i - v) min(1, tau / |x_i - v|)      L times
//
// Karimireddy, He, Jaggi 2021, "Learning from History for Byzantine Robust
// Optimization". v begins at a center that the caller keeps, such as the result
// of the last round, zeros at first. Each adversary adds at most tau / n to it
// an iteration. The momentum with which the paper has it converge is the
// clients' business.
//
// Pure. iterations + 1 passes: every v is a weighted sum of updates and center,
// so that none is kept.
#pragma once

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregation/robust/combination.h"
#include "aggregation/robust/execution.h"
#include "aggregation/robust/updates.h"

namespace tributary::robust {

struct CenteredClipping {
  double radius = 10;            // tau, over 0; in units of the update
  std::uint32_t iterations = 1;  // L, 1 .. 1000
};

absl::Status Validate(const CenteredClipping& rule, std::uint64_t updates);

// v after the last iteration, as weights of the updates and of `center`, which
// is as long as they are.
absl::StatusOr<Combination> CombinationOf(const CenteredClipping& rule,
                                          Updates& updates,
                                          std::span<const float> center,
                                          const Execution& execution);

}  // namespace tributary::robust
