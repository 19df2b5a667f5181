// SPDX-License-Identifier: Apache-2.0
// The model a run starts from: the weights that were submitted, with the
// tensor of the plan's strategy behind them, at zero.
#pragma once

#include "absl/status/statusor.h"
#include "coordinator/store/blobs.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::coordinator {

// The blob to start from: `weights` itself if nothing is to be added to it or
// left out of it, else a new one. Weights of an earlier run may come with that
// run's auxiliary tensor: it means nothing here. InvalidArgument if the blob is
// no model.
absl::StatusOr<Digest> MakeFirstModel(const store::Blobs& blobs,
                                      const Digest& weights,
                                      const v1::Plan& plan);

}  // namespace tributary::coordinator
