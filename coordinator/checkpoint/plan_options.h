// SPDX-License-Identifier: Apache-2.0
// The rounds a plan describes.
//
// Pure; any thread.
#pragma once

#include "absl/status/statusor.h"
#include "coordinator/round/options.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::checkpoint {

// `plan` has its defaults filled in. How many releases a privacy budget pays
// for depends on the model and on earlier runs: max_debits is left to whoever
// keeps the ledger. InvalidArgument, naming every key at fault, if the values
// do not fit together.
absl::StatusOr<round::Options> ToOptions(const v1::Plan& plan);

}  // namespace tributary::checkpoint
