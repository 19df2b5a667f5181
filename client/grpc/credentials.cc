// SPDX-License-Identifier: Apache-2.0
#include "client/grpc/credentials.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <span>
#include <sstream>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "privacy/crypto/openssl_objects.h"
#include "privacy/secagg/certificate_identity.h"
#include "privacy/secagg/secret.h"

namespace tributary {
namespace {

absl::StatusOr<std::string> ReadPem(const char* option,
                                    const std::filesystem::path& file) {
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    return absl::NotFoundError(
        absl::StrCat("credentials.", option, ": cannot read ", file.string(),
                     ": ", errno != 0 ? std::strerror(errno) : "it is empty"));
  }
  return text.str();
}

absl::Status Wrong(const char* option, const std::filesystem::path& file,
                   const std::string& problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("credentials.", option, ": ", file.string(), " ", problem));
}

}  // namespace

absl::StatusOr<PemTexts> ReadPemFiles(const Credentials& files) {
  auto authority = ReadPem("authority", files.authority);
  if (!authority.ok()) return authority.status();
  auto certificate = ReadPem("certificate", files.certificate);
  if (!certificate.ok()) return certificate.status();
  auto key = ReadPem("key", files.key);
  if (!key.ok()) return key.status();
  return PemTexts{*std::move(authority), *std::move(certificate),
                  *std::move(key)};
}

absl::Status CheckCredentials(const Credentials& files) {
  const absl::StatusOr<PemTexts> texts = ReadPemFiles(files);
  if (!texts.ok()) return texts.status();
  // Whatever it is, it is said here: nobody else is to find it in the queue.
  const absl::Cleanup clear = [] { ERR_clear_error(); };
  if (FirstCertificate(texts->authority) == nullptr) {
    return Wrong("authority", files.authority, "holds no PEM certificate");
  }
  const CertificatePtr certificate = FirstCertificate(texts->certificate);
  if (certificate == nullptr) {
    return Wrong("certificate", files.certificate, "holds no PEM certificate");
  }
  const KeyPtr key = FirstPrivateKey(texts->key);
  if (key == nullptr) {
    return Wrong("key", files.key,
                 "holds no PEM private key without a pass phrase");
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return Wrong("key", files.key,
                 absl::StrCat("is not the key of the certificate ",
                              files.certificate.string()));
  }
  return absl::OkStatus();
}

SecureIdentitySource IdentityFrom(const Credentials& files) {
  return [files]() -> absl::StatusOr<SecureIdentity> {
    absl::StatusOr<PemTexts> texts = ReadPemFiles(files);
    if (!texts.ok()) return texts.status();
    const absl::Cleanup erase = [&texts] {
      secagg::Erase(std::as_writable_bytes(std::span(texts->key)));
    };
    auto signer = secagg::MakeCertificateSigner(texts->certificate, texts->key);
    if (!signer.ok()) return signer.status();
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    auto authority = secagg::MakeCertificateAuthority(
        {.certificates_pem = texts->authority,
         .now = std::chrono::duration_cast<std::chrono::seconds>(now).count(),
         .revoked = {}});
    if (!authority.ok()) return authority.status();
    return SecureIdentity{*std::move(signer), *std::move(authority)};
  };
}

}  // namespace tributary
