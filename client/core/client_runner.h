// SPDX-License-Identifier: Apache-2.0
// The session's body in the real client: a link, a trainer on a thread of its
// own, a state folder and the wall clock. Everything that happens becomes an
// event in one queue; the thread that calls Run steps the session.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "client/core/link.h"
#include "client/core/secure_identity.h"
#include "privacy/crypto/random.h"
#include "tributary/client.h"

namespace tributary {

// The options are validated here. `trainer` outlives the client; `random` gives
// the jitter. Without an `identity` secure tasks are refused. Fails if the
// state folder cannot be used.
absl::StatusOr<std::unique_ptr<Client>> MakeClient(
    const ClientOptions& options, Trainer& trainer, std::unique_ptr<Link> link,
    std::unique_ptr<RandomSource> random, SecureIdentitySource identity = {});

}  // namespace tributary
