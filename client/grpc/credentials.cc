// SPDX-License-Identifier: Apache-2.0
#include "client/grpc/credentials.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary {
namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using PrivateKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Reader = std::unique_ptr<BIO, decltype(&BIO_free)>;

Reader ReaderOf(const std::string& pem) {
  return Reader(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                BIO_free);
}

// A client has no terminal to ask for a pass phrase at.
int NoPassPhrase(char*, int, int, void*) { return -1; }

Certificate ToCertificate(const std::string& pem) {
  Certificate certificate(
      PEM_read_bio_X509(ReaderOf(pem).get(), nullptr, NoPassPhrase, nullptr),
      X509_free);
  ERR_clear_error();
  return certificate;
}

PrivateKey ToPrivateKey(const std::string& pem) {
  PrivateKey key(PEM_read_bio_PrivateKey(ReaderOf(pem).get(), nullptr,
                                         NoPassPhrase, nullptr),
                 EVP_PKEY_free);
  ERR_clear_error();
  return key;
}

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
  if (ToCertificate(texts->authority) == nullptr) {
    return Wrong("authority", files.authority, "holds no PEM certificate");
  }
  const Certificate certificate = ToCertificate(texts->certificate);
  if (certificate == nullptr) {
    return Wrong("certificate", files.certificate, "holds no PEM certificate");
  }
  const PrivateKey key = ToPrivateKey(texts->key);
  if (key == nullptr) {
    return Wrong("key", files.key,
                 "holds no PEM private key without a pass phrase");
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return Wrong("key", files.key,
                 absl::StrCat("is not the key of the certificate ",
                              files.certificate.string()));
  }
  return absl::OkStatus();
}

}  // namespace tributary
