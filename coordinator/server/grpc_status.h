// SPDX-License-Identifier: Apache-2.0
// absl::Status, which everything of ours returns, as the gRPC status a caller
// sees, and back. Pure.
#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace tributary::coordinator {

// Longest message sent in a status: trailers have a limit of 8 KiB.
inline constexpr std::size_t kMaxStatusMessage = 2048;

// The gRPC code of an absl code.
grpc::StatusCode ToGrpcCode(absl::StatusCode code);
// The whole status; a longer message is cut at a character, with "...".
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace tributary::coordinator
