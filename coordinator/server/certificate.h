// SPDX-License-Identifier: Apache-2.0
// What a client certificate says about its owner, and what a revocation list
// says about certificates. Pure: PEM text in, values out (OpenSSL).
//
//   common name                    the client's name
//   URI urn:tributary:role:ROLE    trainer (the default), evaluator or operator
//   URI urn:tributary:population:NAME
//                                  only these populations; none: any
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/runner/coordinator.h"

namespace tributary::coordinator {

struct CertificateIdentity {
  Identity identity;
  // Populations it is restricted to; empty: any.
  std::vector<std::string> populations;
};

// Reads the first certificate of `pem`, which was verified already.
// Unauthenticated if it names nobody, or has a role that a client cannot have.
absl::StatusOr<CertificateIdentity> ReadCertificate(std::string_view pem);

// SHA-256 of the first certificate of `pem`, as AA:BB:...
absl::StatusOr<std::string> Fingerprint(std::string_view pem);

// InvalidArgument unless the private key is that of the certificate.
absl::Status CheckKeyMatches(std::string_view certificate_pem,
                             std::string_view key_pem);

// InvalidArgument if the first certificate of `pem` is a client's: it has the
// role of one, or is not for TLS servers. One without a role is not refused: it
// may be from an authority that knows no roles.
absl::Status CheckIsServers(std::string_view pem);

// True if a chain leads from the first certificate of `pem`, over those behind
// it, to one in `authority_pem`. Dates are not looked at.
bool IsIssuedBy(std::string_view pem, std::string_view authority_pem);

// Serials (upper-case hex) on the lists in `crl_pem`. Each list must be signed
// by a certificate in `authority_pem`: a list that is not is an error, never
// half a list.
absl::StatusOr<std::vector<std::string>> ReadRevocationList(
    std::string_view crl_pem, std::string_view authority_pem);

}  // namespace tributary::coordinator
