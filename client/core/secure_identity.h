// SPDX-License-Identifier: Apache-2.0
// Who this client is to its peers in secure sessions, and whom it believes of
// theirs. Values.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "privacy/secagg/identity.h"

namespace tributary {

struct SecureIdentity {
  std::unique_ptr<secagg::Signer> signer;
  std::unique_ptr<secagg::Authority> authority;
};

// Asked for each session, so that renewed certificates count; from the thread
// in Run. Null: this client has none, and takes no secure task.
using SecureIdentitySource = std::function<absl::StatusOr<SecureIdentity>()>;

}  // namespace tributary
