// SPDX-License-Identifier: Apache-2.0
// Announcements of partial sums as wire messages (tree.proto) and back.
// Messages are within the limits of their fields.
//
// Pure; any thread.
#pragma once

#include "absl/status/statusor.h"
#include "coordinator/round/subtree.h"
#include "tributary/v1/tree.pb.h"

namespace tributary::coordinator {

v1::PartialSum ToMessage(const round::Subtree& subtree);
// InvalidArgument if there is no epoch or no leaf, or the leaves are not named
// by a digest.
absl::StatusOr<round::Subtree> ToSubtree(const v1::PartialSum& message);

}  // namespace tributary::coordinator
