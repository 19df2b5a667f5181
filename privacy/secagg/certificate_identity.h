// SPDX-License-Identifier: Apache-2.0
// Identities that are X.509 certificates, as `tributaryctl pki` issues them,
// and the key behind one: P-256, Ed25519 or what else OpenSSL signs with.
// A credential is the DER bytes of the client's certificate.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "privacy/secagg/identity.h"

namespace tributary::secagg {

// Signs with a private key. InvalidArgument if a PEM text holds none, or the
// key is not that of the certificate.
absl::StatusOr<std::unique_ptr<Signer>> MakeCertificateSigner(
    std::string_view certificate_pem, std::string_view key_pem);

struct AuthorityOptions {
  // The authority's certificates, one or more. Each client's is signed by one
  // of them directly.
  std::string certificates_pem;
  // Seconds since 1970 at which certificates must be valid.
  std::int64_t now = 0;
  // Serial numbers, upper-case hex, that it has revoked.
  std::set<std::string> revoked;
};
// InvalidArgument if there is no certificate in the text.
absl::StatusOr<std::unique_ptr<Authority>> MakeCertificateAuthority(
    const AuthorityOptions& options);

}  // namespace tributary::secagg
