// SPDX-License-Identifier: Apache-2.0
// X25519 (RFC 7748) and HKDF-SHA-256 (RFC 5869), by OpenSSL. Values; one thread
// at a time.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "privacy/crypto/openssl_objects.h"
#include "privacy/secagg/secret.h"

namespace tributary::secagg {

using PublicKey = std::array<std::uint8_t, 32>;

inline std::string_view AsText(const PublicKey& key) {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

// Somebody else's half of an agreement.
class PeerKey {
 public:
  explicit PeerKey(const PublicKey& key);
  EVP_PKEY* get() const { return key_.get(); }

 private:
  KeyPtr key_;
};

class KeyPair {
 public:
  // From the system's generator.
  static KeyPair Generate();
  // The pair of a private key; every 32 bytes are one.
  static KeyPair FromSecret(const Secret& secret);

  const PublicKey& public_key() const { return public_; }
  Secret secret() const { return secret_.Copy(); }
  // The shared secret, as it comes from the curve: derive keys from it, never
  // use it as one. InvalidArgument if the peer's key is of low order: the
  // "secret" would be zero whatever ours is.
  absl::StatusOr<Secret> Agree(const PeerKey& peer) const;

 private:
  explicit KeyPair(Secret secret);
  Secret secret_;
  KeyPtr key_;
  PublicKey public_{};
};

// 32 bytes of HKDF-SHA-256. `info` says what the key is for and among whom.
Secret DeriveSecret(std::span<const std::uint8_t> secret,
                    std::span<const std::uint8_t> salt, std::string_view info);

}  // namespace tributary::secagg
