// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/client_authority.h"

#include <system_error>

#include "absl/strings/str_cat.h"
#include "coordinator/server/credentials.h"
#include "privacy/secagg/certificate_identity.h"

namespace tributary::coordinator {

void ClientAuthority::SetRevoked(const std::vector<std::string>& serials) {
  revoked_ = {serials.begin(), serials.end()};
  is_made_ = false;
}

absl::StatusOr<ClientAuthority::Made> ClientAuthority::Poll(WallTime now) {
  // Looked at before the file is read: a change meanwhile is seen next time.
  std::error_code error;
  const auto time = std::filesystem::last_write_time(file_, error);
  const bool is_right = is_made_ && !error && time == seen_time_ &&
                        now >= made_ && now - made_ < kLongestUse;
  if (is_right) return Made();
  absl::StatusOr<std::string> pem = ReadPem("tls.authority", file_);
  if (!pem.ok()) return pem.status();
  absl::StatusOr<std::unique_ptr<secagg::Authority>> authority =
      secagg::MakeCertificateAuthority(
          {.certificates_pem = *std::move(pem),
           .now = std::chrono::duration_cast<std::chrono::seconds>(
                      now.time_since_epoch())
                      .count(),
           .revoked = revoked_});
  if (!authority.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "tls.authority: ", file_.string(), " holds no PEM certificate"));
  }
  is_made_ = true;
  made_ = now;
  seen_time_ = time;
  return Made(*std::move(authority));
}

}  // namespace tributary::coordinator
