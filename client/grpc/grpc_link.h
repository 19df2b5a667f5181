// SPDX-License-Identifier: Apache-2.0
// The link over gRPC's callback API: no thread of its own. Mutual TLS from the
// options' credentials, which are read again for each stream, so that a renewed
// certificate is used without a restart.
#pragma once

#include <memory>

#include "client/core/link.h"
#include "tributary/client.h"

namespace tributary {

// Of the options it uses the credentials alone. Never fails: what is wrong with
// the address or the credentials is said when the stream is opened.
std::unique_ptr<Link> MakeGrpcLink(const ClientOptions& options);

}  // namespace tributary
