// SPDX-License-Identifier: Apache-2.0
// FLTrust: updates count by their angle to a root update that is trusted, and
// are brought to its length.
//
//   TS_i = max(0, cos(x_i, g)) ;  z = sum TS_i (|g| / |x_i|) x_i / sum TS
//
// Cao et al. 2021, "FLTrust: Byzantine-robust Federated Learning via Trust
// Bootstrapping", section IV. Withstands any number of adversaries as far as g
// is right. If no update points g's way z is zero: the model stays.
//
// Pure. Two passes, the second over updates with a trust score over 0.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregation/robust/execution.h"
#include "aggregation/robust/updates.h"

namespace tributary::robust {

struct FlTrust {};

absl::Status Validate(const FlTrust& rule, std::uint64_t updates);

// What each update is multiplied by. `root` is as long as the updates;
// InvalidArgument if its norm is 0.
absl::StatusOr<std::vector<double>> WeightsOf(const FlTrust& rule,
                                              Updates& updates,
                                              std::span<const float> root,
                                              const Execution& execution);

}  // namespace tributary::robust
