// SPDX-License-Identifier: Apache-2.0
// Keys, requests, certificates and revocation lists as PEM texts. P-256 and
// SHA-256 throughout. A certificate's common name is its holder's name; its
// role and populations are URIs among its alternative names:
//   urn:tributary:role:trainer        urn:tributary:population:NAME
//
// Pure but for the clock (validity) and the system's generator.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary::ctl {

// A name that may stand in a certificate, a file name and a log line: letters,
// digits, '.', '_' and '-', 1 to 64 of them.
absl::Status CheckName(const std::string& name);

struct KeyAndRequest {
  std::string key;      // PEM, secret
  std::string request;  // PEM CSR
};
struct AlternativeNames {
  std::vector<std::string> dns;
  std::vector<std::string> addresses;  // IPv4 or IPv6
};
absl::StatusOr<KeyAndRequest> MakeRequest(const std::string& name,
                                          const AlternativeNames& names);

struct KeyAndCertificate {
  std::string key;
  std::string certificate;
};
// A self-signed authority, valid for ten years.
absl::StatusOr<KeyAndCertificate> MakeAuthority(const std::string& name);

struct Grant {
  // trainer, evaluator, operator or coordinator.
  std::string role;
  // Empty: any.
  std::vector<std::string> populations;
  std::chrono::days validity{365};
};
struct IssuedCertificate {
  std::string name;
  std::string serial;  // 32 upper-case hex digits
  std::string not_after;
  std::string certificate;  // PEM
};
// InvalidArgument if the request is not what a client may ask: a broken
// signature, a weak key, a name that is not one.
absl::StatusOr<IssuedCertificate> Sign(const KeyAndCertificate& authority,
                                       const std::string& request,
                                       const Grant& grant);

// The common name a request asks for, its signature checked.
absl::StatusOr<std::string> NameInRequest(const std::string& request);
// The serial of a certificate, upper-case hex. FailedPrecondition if another
// authority issued it.
absl::StatusOr<std::string> SerialOf(const std::string& certificate,
                                     const std::string& authority);

// A list of these serials, sorted, signed now.
absl::StatusOr<std::string> MakeCrl(const KeyAndCertificate& authority,
                                    const std::vector<std::string>& serials);

}  // namespace tributary::ctl
