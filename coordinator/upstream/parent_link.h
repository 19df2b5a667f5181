// SPDX-License-Identifier: Apache-2.0
// The link to a parent: that of any client, over gRPC.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "client/core/link.h"
#include "coordinator/upstream/upstream.h"

namespace tributary::coordinator {

// Every PEM file is there and holds what it should; without TLS there are none.
absl::Status CheckParentFiles(const UpstreamOptions& options);

std::unique_ptr<Link> MakeParentLink(const UpstreamOptions& options);

}  // namespace tributary::coordinator
