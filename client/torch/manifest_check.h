// SPDX-License-Identifier: Apache-2.0
// Whether a model fits an architecture. Pure.
#pragma once

#include "absl/status/status.h"
#include "aggregation/manifest.h"

namespace tributary::torch_internal {

// InvalidArgument naming the first difference between the model that arrived
// and the network's own manifest.
absl::Status CheckManifest(const Manifest& arrived, const Manifest& own);

}  // namespace tributary::torch_internal
