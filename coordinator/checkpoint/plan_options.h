// SPDX-License-Identifier: Apache-2.0
// The rounds a plan describes, at the root or at an aggregator.
//
// Pure; any thread.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "coordinator/round/options.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::checkpoint {

// `plan` has its defaults filled in. How many releases a privacy budget pays
// for depends on the model and on earlier runs: max_debits is left to whoever
// keeps the ledger. `tier` is that of the node in the plan's tree: 0 is the
// root, 1 an aggregator under it. InvalidArgument, naming every key at fault,
// if the values do not fit together, at this tier or at one below it, or if the
// tree has no such tier.
absl::StatusOr<round::Options> ToOptions(const v1::Plan& plan,
                                         std::uint32_t tier = 0);

}  // namespace tributary::checkpoint
