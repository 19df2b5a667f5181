// SPDX-License-Identifier: Apache-2.0
// The server's TLS credentials, and the list of revocations, from files that
// may change while the server runs.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/server/server_options.h"
#include "grpcpp/security/server_credentials.h"

namespace tributary::coordinator {

// The text of the file that `key` of the configuration names.
// FailedPrecondition with both if it cannot be read.
absl::StatusOr<std::string> ReadPem(const char* key,
                                    const std::filesystem::path& path);

// Checks that the files are there and fit each other, so that a mistake is
// found at the start and not in a handshake. Errors name key and path.
absl::Status CheckTlsFiles(const TlsFiles& files);

// The same of the authority and its list alone.
absl::Status CheckAuthorityFiles(const TlsFiles& files);

// Whether the coordinator's certificate is of the authority of its clients, as
// it is where one authority signs everybody.
absl::StatusOr<bool> IsOfClientsAuthority(const TlsFiles& files);

// SHA-256 of the authority's certificate, for people to compare.
absl::StatusOr<std::string> AuthorityFingerprint(const TlsFiles& files);

// Mutual TLS: a client without a certificate signed by the authority ends in
// the handshake. New handshakes use new files within the reload interval.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(
    const ServerOptions& options);

// Watches one revocation list. One thread at a time.
class RevocationFile {
 public:
  explicit RevocationFile(TlsFiles files) : files_(std::move(files)) {}

  // The serials, when the file is new or changed since the last call;
  // NotFound while it does not exist. An unreadable list is an error each
  // time; the caller keeps the list it had: nobody is let in by mistake.
  absl::StatusOr<std::optional<std::vector<std::string>>> Poll();

 private:
  TlsFiles files_;
  std::filesystem::file_time_type seen_time_;
  std::uintmax_t seen_size_ = 0;
  bool seen_ = false;
};

}  // namespace tributary::coordinator
