// SPDX-License-Identifier: Apache-2.0
// Rules that look at each coordinate apart. x_(r): the r-th smallest of the n
// values of a coordinate, from 1.
//
//   median        (x_(ceil(n/2)) + x_(floor(n/2) + 1)) / 2
//   trimmed mean  mean of x_(f+1) .. x_(n-f)
//
// Yin et al. 2018, "Byzantine-Robust Distributed Learning: Towards Optimal
// Statistical Rates", definitions 1 and 2. With at most f adversaries (for the
// median: fewer than half), each coordinate of the result lies between the
// smallest and the largest value of the honest.
//
// Pure. One pass; blocks are independent of each other.
#pragma once

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "aggregation/robust/execution.h"
#include "aggregation/robust/updates.h"

namespace tributary::robust {

struct CoordinateMedian {};
struct TrimmedMean {
  std::uint32_t adversaries = 0;  // f, dropped at each end; n > 2f
};

// InvalidArgument if `updates` are too few, naming how many it takes.
absl::Status Validate(const CoordinateMedian& rule, std::uint64_t updates);
absl::Status Validate(const TrimmedMean& rule, std::uint64_t updates);

// `out` is as long as the updates, which the rule was validated for. Errors are
// those of reading.
absl::Status Aggregate(const CoordinateMedian& rule, Updates& updates,
                       const Execution& execution, std::span<float> out);
absl::Status Aggregate(const TrimmedMean& rule, Updates& updates,
                       const Execution& execution, std::span<float> out);

}  // namespace tributary::robust
