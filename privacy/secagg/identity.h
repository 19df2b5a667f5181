// SPDX-License-Identifier: Apache-2.0
// Who a peer is: a name that an authority vouches for, and a key that it signs
// with. The coordinator is on the way of every message between clients; without
// this it could put keys of its own into their hands.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary::secagg {

// The client's own enrolled identity. One thread at a time.
class Signer {
 public:
  virtual ~Signer() = default;
  // What the authority vouches for it with; at most kMaxCredential bytes.
  virtual const std::string& credential() const = 0;
  virtual absl::StatusOr<std::string> Sign(std::string_view statement) = 0;
};

inline constexpr std::size_t kMaxCredential = 4096;
inline constexpr std::size_t kMaxSignature = 384;

// Somebody whose credential was checked. Immutable.
class Peer {
 public:
  virtual ~Peer() = default;
  // Of one client, whatever its credentials.
  virtual const std::string& name() const = 0;
  // Unauthenticated if this peer did not sign the statement.
  virtual absl::Status Verify(std::string_view statement,
                              std::string_view signature) const = 0;
};

// The authority that the client's configuration pins. Immutable; any thread.
class Authority {
 public:
  virtual ~Authority() = default;
  // Unauthenticated, with the reason, if it does not vouch for the credential.
  virtual absl::StatusOr<std::unique_ptr<Peer>> Identify(
      std::string_view credential) const = 0;
};

}  // namespace tributary::secagg
