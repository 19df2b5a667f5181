// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/certificate.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "privacy/crypto/openssl_objects.h"

namespace tributary::coordinator {
namespace {

constexpr absl::string_view kRolePrefix = "urn:tributary:role:";
constexpr absl::string_view kPopulationPrefix = "urn:tributary:population:";
constexpr std::size_t kMaxName = 128;

// The first certificate; null if there is none.
CertificatePtr ReadFirst(std::string_view pem) {
  CertificatePtr certificate = FirstCertificate(pem);
  ERR_clear_error();
  return certificate;
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte >= 0x20 && byte != 0x7F;
  });
}

std::optional<std::string> CommonName(X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return std::nullopt;
  // Two names in one certificate would let its owner choose.
  if (X509_NAME_get_index_by_NID(subject, NID_commonName, index) >= 0) {
    return std::nullopt;
  }
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(
      &utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) return std::nullopt;
  std::string name(reinterpret_cast<char*>(utf8), size);
  OPENSSL_free(utf8);
  return name;
}

std::vector<std::string> Uris(X509* certificate) {
  std::vector<std::string> uris;
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return uris;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                      ASN1_STRING_length(uri));
  }
  return uris;
}

std::string Hex(const ASN1_INTEGER* serial) {
  const NumberPtr number(ASN1_INTEGER_to_BN(serial, nullptr));
  char* digits = BN_bn2hex(number.get());
  std::string hex(digits);
  OPENSSL_free(digits);
  return hex;
}

absl::StatusOr<v1::Role> ToRole(std::string_view name) {
  if (name == "trainer") return v1::TRAINER;
  if (name == "evaluator") return v1::EVALUATOR;
  if (name == "aggregator") return v1::AGGREGATOR;
  if (name == "operator") return v1::OPERATOR;
  return absl::UnauthenticatedError(absl::StrCat(
      "the certificate's role is \"", std::string(name),
      "\"; a client is a trainer, an evaluator, an aggregator or an "
      "operator"));
}

// Its certificates are owned elsewhere.
void FreeStack(STACK_OF(X509) * stack) { sk_X509_free(stack); }

}  // namespace

absl::StatusOr<CertificateIdentity> ReadCertificate(std::string_view pem) {
  const CertificatePtr certificate = ReadFirst(pem);
  if (certificate == nullptr) {
    return absl::UnauthenticatedError("the client certificate is not readable");
  }
  CertificateIdentity result;
  std::optional<std::string> name = CommonName(certificate.get());
  if (!name.has_value() || name->empty() || name->size() > kMaxName ||
      !IsPrintable(*name)) {
    return absl::UnauthenticatedError(
        "the certificate must have one common name of 1 to 128 printable "
        "bytes: the client's name");
  }
  result.identity.name = *std::move(name);
  result.identity.serial = Hex(X509_get0_serialNumber(certificate.get()));
  bool has_role = false;
  for (const std::string& uri : Uris(certificate.get())) {
    absl::string_view rest = uri;
    if (absl::ConsumePrefix(&rest, kPopulationPrefix)) {
      result.populations.emplace_back(rest);
    } else if (absl::ConsumePrefix(&rest, kRolePrefix)) {
      absl::StatusOr<v1::Role> role = ToRole(std::string(rest));
      if (!role.ok()) return role.status();
      if (has_role) {
        return absl::UnauthenticatedError("the certificate has two roles");
      }
      has_role = true;
      result.identity.role = *role;
    }
  }
  return result;
}

absl::StatusOr<std::string> Fingerprint(std::string_view pem) {
  const CertificatePtr certificate = ReadFirst(pem);
  if (certificate == nullptr) {
    return absl::InvalidArgumentError("holds no PEM certificate");
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  X509_digest(certificate.get(), EVP_sha256(), digest, &size);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ":");
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

absl::Status CheckKeyMatches(std::string_view certificate_pem,
                             std::string_view key_pem) {
  const CertificatePtr certificate = ReadFirst(certificate_pem);
  if (certificate == nullptr) {
    return absl::InvalidArgumentError("holds no PEM certificate");
  }
  const KeyPtr key = FirstPrivateKey(key_pem);
  ERR_clear_error();
  if (key == nullptr) {
    return absl::InvalidArgumentError(
        "holds no PEM private key without a pass phrase");
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError("is not the key of the certificate");
  }
  return absl::OkStatus();
}

absl::Status CheckIsServers(std::string_view pem) {
  const CertificatePtr certificate = ReadFirst(pem);
  if (certificate == nullptr) {
    return absl::InvalidArgumentError("holds no PEM certificate");
  }
  for (const std::string& uri : Uris(certificate.get())) {
    absl::string_view role = uri;
    if (absl::ConsumePrefix(&role, kRolePrefix) && role != "coordinator") {
      return absl::InvalidArgumentError(
          absl::StrCat("has the role ", role, ", not coordinator"));
    }
  }
  if (X509_check_purpose(certificate.get(), X509_PURPOSE_SSL_SERVER, 0) != 1) {
    return absl::InvalidArgumentError("is not for a TLS server");
  }
  return absl::OkStatus();
}

bool IsIssuedBy(std::string_view pem, std::string_view authority_pem) {
  const std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>> trusted(
      X509_STORE_new());
  const BioPtr authority_reader = PemReader(authority_pem);
  while (const CertificatePtr authority =
             NextCertificate(authority_reader.get())) {
    X509_STORE_add_cert(trusted.get(), authority.get());
  }
  // As gRPC's clients do: any certificate that is trusted ends the chain.
  X509_STORE_set_flags(trusted.get(),
                       X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
  const BioPtr reader = PemReader(pem);
  const CertificatePtr certificate = NextCertificate(reader.get());
  std::vector<CertificatePtr> others;
  const std::unique_ptr<STACK_OF(X509), FreeWith<FreeStack>> chain(
      sk_X509_new_null());
  while (CertificatePtr other = NextCertificate(reader.get())) {
    sk_X509_push(chain.get(), other.get());
    others.push_back(std::move(other));
  }
  const std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>> check(
      X509_STORE_CTX_new());
  const bool is_issued =
      X509_STORE_CTX_init(check.get(), trusted.get(), certificate.get(),
                          chain.get()) == 1 &&
      X509_verify_cert(check.get()) == 1;
  ERR_clear_error();
  return is_issued;
}

absl::StatusOr<std::vector<std::string>> ReadRevocationList(
    std::string_view crl_pem, std::string_view authority_pem) {
  std::vector<CertificatePtr> authorities;
  const BioPtr authority_reader = PemReader(authority_pem);
  while (CertificatePtr authority = NextCertificate(authority_reader.get())) {
    authorities.push_back(std::move(authority));
  }
  ERR_clear_error();
  std::vector<std::string> serials;
  const BioPtr reader = PemReader(crl_pem);
  int lists = 0;
  while (true) {
    const CrlPtr list(
        PEM_read_bio_X509_CRL(reader.get(), nullptr, NoPassPhrase, nullptr));
    if (list == nullptr) break;
    ++lists;
    const bool is_signed = std::any_of(
        authorities.begin(), authorities.end(),
        [&](const CertificatePtr& authority) {
          return X509_CRL_verify(list.get(),
                                 X509_get0_pubkey(authority.get())) == 1;
        });
    if (!is_signed) {
      ERR_clear_error();
      return absl::InvalidArgumentError("is not signed by the authority");
    }
    STACK_OF(X509_REVOKED)* revoked = X509_CRL_get_REVOKED(list.get());
    for (int i = 0; i < sk_X509_REVOKED_num(revoked); ++i) {
      serials.push_back(Hex(
          X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(revoked, i))));
    }
  }
  ERR_clear_error();
  if (lists == 0) {
    return absl::InvalidArgumentError("holds no PEM revocation list");
  }
  return serials;
}

}  // namespace tributary::coordinator
