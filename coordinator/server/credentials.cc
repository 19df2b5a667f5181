// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/credentials.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/server/certificate.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace tributary::coordinator {
namespace {

absl::Status Named(const char* key, const std::filesystem::path& path,
                   const absl::Status& status) {
  return absl::FailedPreconditionError(
      absl::StrCat(key, ": ", path.string(), " ", status.message()));
}

}  // namespace

absl::StatusOr<std::string> ReadPem(const char* key,
                                    const std::filesystem::path& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return absl::FailedPreconditionError(
        absl::StrCat(key, ": cannot read ", path.string(), ": ",
                     errno != 0 ? std::strerror(errno) : "it is empty"));
  }
  return text.str();
}

absl::Status CheckAuthorityFiles(const TlsFiles& files) {
  absl::StatusOr<std::string> authority =
      ReadPem("tls.authority", files.authority);
  if (!authority.ok()) return authority.status();
  if (absl::Status status = Fingerprint(*authority).status(); !status.ok()) {
    return Named("tls.authority", files.authority, status);
  }
  if (files.crl.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> list = ReadPem("tls.crl", files.crl);
  if (!list.ok()) return list.status();
  if (absl::Status status = ReadRevocationList(*list, *authority).status();
      !status.ok()) {
    return Named("tls.crl", files.crl, status);
  }
  return absl::OkStatus();
}

absl::Status CheckTlsFiles(const TlsFiles& files) {
  absl::StatusOr<std::string> certificate =
      ReadPem("tls.certificate", files.certificate);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadPem("tls.key", files.key);
  if (!key.ok()) return key.status();
  if (absl::Status status = Fingerprint(*certificate).status(); !status.ok()) {
    return Named("tls.certificate", files.certificate, status);
  }
  if (absl::Status status = CheckIsServers(*certificate); !status.ok()) {
    return Named("tls.certificate", files.certificate, status);
  }
  if (absl::Status status = CheckKeyMatches(*certificate, *key); !status.ok()) {
    return Named("tls.key", files.key, status);
  }
  return CheckAuthorityFiles(files);
}

absl::StatusOr<bool> IsOfClientsAuthority(const TlsFiles& files) {
  absl::StatusOr<std::string> authority =
      ReadPem("tls.authority", files.authority);
  if (!authority.ok()) return authority.status();
  absl::StatusOr<std::string> certificate =
      ReadPem("tls.certificate", files.certificate);
  if (!certificate.ok()) return certificate.status();
  return IsIssuedBy(*certificate, *authority);
}

absl::StatusOr<std::string> AuthorityFingerprint(const TlsFiles& files) {
  absl::StatusOr<std::string> authority =
      ReadPem("tls.authority", files.authority);
  if (!authority.ok()) return authority.status();
  return Fingerprint(*authority);
}

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(
    const ServerOptions& options) {
  if (!options.tls.has_value()) return grpc::InsecureServerCredentials();
  const TlsFiles& files = *options.tls;
  auto provider =
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          files.key.string(), files.certificate.string(),
          files.authority.string(),
          static_cast<unsigned int>(options.reload_interval.count()));
  grpc::experimental::TlsServerCredentialsOptions tls(std::move(provider));
  tls.watch_root_certs();
  tls.watch_identity_key_cert_pairs();
  tls.set_cert_request_type(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(tls);
}

absl::StatusOr<std::optional<std::vector<std::string>>> RevocationFile::Poll() {
  std::error_code error;
  const auto time = std::filesystem::last_write_time(files_.crl, error);
  const auto size = error ? 0 : std::filesystem::file_size(files_.crl, error);
  if (error) {
    seen_ = false;
    return absl::NotFoundError(absl::StrCat(
        "tls.crl: cannot read ", files_.crl.string(), ": ", error.message()));
  }
  if (seen_ && time == seen_time_ && size == seen_size_) return std::nullopt;
  // Not read, for whatever reason, is not seen: a new authority's file may come
  // after its list.
  seen_ = false;
  absl::StatusOr<std::string> list = ReadPem("tls.crl", files_.crl);
  if (!list.ok()) return list.status();
  absl::StatusOr<std::string> authority =
      ReadPem("tls.authority", files_.authority);
  if (!authority.ok()) return authority.status();
  absl::StatusOr<std::vector<std::string>> serials =
      ReadRevocationList(*list, *authority);
  if (!serials.ok()) return Named("tls.crl", files_.crl, serials.status());
  seen_ = true;
  seen_time_ = time;
  seen_size_ = size;
  return *std::move(serials);
}

}  // namespace tributary::coordinator
