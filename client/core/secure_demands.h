// SPDX-License-Identifier: Apache-2.0
// What the client's owner asks of secure sessions, in the words of the session
// and of the protocol. Pure; any thread.
#pragma once

#include "client/core/session.h"
#include "tributary/client.h"

namespace tributary {

// Its obstacle stays: whether there is an identity, somebody else knows.
session::SecureDemands DemandsOf(const SecureAggregationOptions& options);

}  // namespace tributary
