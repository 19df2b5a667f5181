// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/certificates.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "privacy/crypto/openssl_objects.h"
#include "privacy/crypto/random.h"

namespace tributary::ctl {
namespace {

constexpr long kSecondsPerDay = 86'400;
constexpr int kAuthorityDays = 3'650;
// Clocks of devices run late.
constexpr long kClockSkewSeconds = 300;
constexpr int kLeastSecurityBits = 112;

// What OpenSSL last complained about, after `what`. Empties its queue.
absl::Status OpenSslFailure(const std::string& what) {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  if (error == 0) return absl::InvalidArgumentError(what);
  const char* reason = ERR_reason_error_string(error);
  return absl::InvalidArgumentError(
      absl::StrCat(what, " (", reason == nullptr ? "unknown" : reason, ")"));
}

KeyPtr NewKey() { return KeyPtr(EVP_EC_gen("P-256")); }

// What `write` puts into a memory BIO.
template <typename Write>
absl::StatusOr<std::string> Written(const std::string& what, Write write) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || write(bio.get()) != 1) return OpenSslFailure(what);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

absl::StatusOr<std::string> KeyPem(EVP_PKEY* key) {
  return Written("cannot write the key", [&](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr,
                                         nullptr);
  });
}
absl::StatusOr<std::string> CertificatePem(X509* certificate) {
  return Written("cannot write the certificate", [&](BIO* bio) {
    return PEM_write_bio_X509(bio, certificate);
  });
}

absl::StatusOr<KeyPtr> ReadKey(const std::string& pem) {
  KeyPtr key = FirstPrivateKey(pem);
  if (key == nullptr) {
    return OpenSslFailure("the authority's key is no PEM key");
  }
  return key;
}
absl::StatusOr<CertificatePtr> ReadCertificate(const std::string& pem) {
  CertificatePtr certificate = FirstCertificate(pem);
  if (certificate == nullptr) return OpenSslFailure("no PEM certificate");
  return certificate;
}
absl::StatusOr<RequestPtr> ReadRequest(const std::string& pem) {
  RequestPtr request(PEM_read_bio_X509_REQ(PemReader(pem).get(), nullptr,
                                           NoPassPhrase, nullptr));
  if (request == nullptr) return OpenSslFailure("no PEM certificate request");
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr || X509_REQ_verify(request.get(), key) != 1) {
    return OpenSslFailure("the request's signature is wrong");
  }
  if (EVP_PKEY_get_security_bits(key) < kLeastSecurityBits) {
    ERR_clear_error();
    return absl::InvalidArgumentError(
        "the request's key is too weak; use P-256 or RSA of 2,048 bits");
  }
  return request;
}

absl::StatusOr<std::string> CommonName(X509_NAME* subject) {
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) {
    return absl::InvalidArgumentError("the request has no common name");
  }
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(
      &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) return OpenSslFailure("the request's name cannot be read");
  std::string name(reinterpret_cast<char*>(text),
                   static_cast<std::size_t>(size));
  OPENSSL_free(text);
  if (auto status = CheckName(name); !status.ok()) return status;
  return name;
}

// OpenSSL takes any text; a name that nobody can connect to would only be
// noticed in a handshake. A wildcard stands for the first label.
absl::Status CheckHostName(const std::string& name) {
  const std::string shown = absl::CEscape(name.substr(0, 80));
  const std::size_t first = name.starts_with("*.") ? 2 : 0;
  for (std::size_t i = first; i < name.size(); ++i) {
    const auto byte = static_cast<unsigned char>(name[i]);
    if (absl::ascii_isalnum(byte) || byte == '-' || byte == '.' ||
        byte == '_') {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", shown, "\" is no host name: no DNS name holds '",
        absl::CEscape(name.substr(i, 1)), "'; give --san once for each name"));
  }
  if (name.size() > first && name.size() <= 253) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("\"", shown, "\" is no host name of 1 to 253 characters"));
}

bool SetSubject(X509_NAME* subject, const std::string& name) {
  return X509_NAME_add_entry_by_txt(
             subject, "CN", MBSTRING_UTF8,
             reinterpret_cast<const unsigned char*>(name.data()),
             static_cast<int>(name.size()), -1, 0) == 1;
}

bool AddName(GENERAL_NAMES* names, int type, const std::string& value) {
  GENERAL_NAME* name =
      a2i_GENERAL_NAME(nullptr, nullptr, nullptr, type, value.c_str(), 0);
  if (name == nullptr) return false;
  if (sk_GENERAL_NAME_push(names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

// From configuration text, e.g. "critical,CA:TRUE".
bool AddExtension(X509* certificate, X509* issuer, int nid,
                  const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension != nullptr &&
         X509_add_ext(certificate, extension.get(), -1) == 1;
}

// 127 random bits, 16 bytes whatever they are, so that every tool writes the
// same 32 digits.
std::string RandomSerial() {
  std::array<std::uint8_t, 16> bytes{};
  SystemRandom().Fill(bytes);
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7f) | 0x40);
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

IntegerPtr ToInteger(const std::string& serial) {
  BIGNUM* number = nullptr;
  if (BN_hex2bn(&number, serial.c_str()) == 0) return nullptr;
  const NumberPtr owned(number);
  return IntegerPtr(BN_to_ASN1_INTEGER(number, nullptr));
}

std::string SerialText(X509* certificate) {
  const NumberPtr number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  char* text = BN_bn2hex(number.get());
  std::string serial(text);
  OPENSSL_free(text);
  return serial;
}

// Fields every certificate has.
bool FillCertificate(X509* certificate, X509_NAME* issuer, X509_NAME* subject,
                     EVP_PKEY* key, const std::string& serial, long seconds) {
  const IntegerPtr number = ToInteger(serial);
  return number != nullptr && X509_set_version(certificate, 2) == 1 &&
         X509_set_serialNumber(certificate, number.get()) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate),
                         -kClockSkewSeconds) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), seconds) != nullptr &&
         X509_set_issuer_name(certificate, issuer) == 1 &&
         X509_set_subject_name(certificate, subject) == 1 &&
         X509_set_pubkey(certificate, key) == 1;
}

std::string TimeText(const ASN1_TIME* time) {
  std::tm broken{};
  ASN1_TIME_to_tm(time, &broken);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &broken);
  return text;
}

// The DNS names and addresses a request asks for; nothing else of it is taken.
absl::StatusOr<NamesPtr> RequestedNames(X509_REQ* request) {
  NamesPtr names(GENERAL_NAMES_new());
  const ExtensionsPtr extensions(X509_REQ_get_extensions(request));
  if (extensions == nullptr) return names;
  const NamesPtr asked(static_cast<GENERAL_NAMES*>(X509V3_get_d2i(
      extensions.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; asked != nullptr && i < sk_GENERAL_NAME_num(asked.get());
       ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(asked.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    GENERAL_NAME* copy = GENERAL_NAME_dup(name);
    if (copy == nullptr || sk_GENERAL_NAME_push(names.get(), copy) <= 0) {
      GENERAL_NAME_free(copy);
      return OpenSslFailure("cannot copy the request's names");
    }
  }
  return names;
}

absl::Status CheckGrant(const Grant& grant) {
  const std::array<std::string, 5> roles = {
      "trainer", "evaluator", "aggregator", "operator", "coordinator"};
  if (std::find(roles.begin(), roles.end(), grant.role) == roles.end()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "role \"", grant.role,
        "\" is not one of trainer, evaluator, aggregator, operator "
        "and coordinator"));
  }
  if (grant.validity < std::chrono::days(1) ||
      grant.validity > std::chrono::days(kAuthorityDays)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "days: ", grant.validity.count(), " is not in 1 .. ", kAuthorityDays));
  }
  for (const std::string& population : grant.populations) {
    if (auto status = CheckName(population); !status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("population: ", status.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckName(const std::string& name) {
  bool fine = !name.empty() && name.size() <= 64 && name[0] != '.';
  for (const char c : name) {
    fine = fine && (absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                    c == '.' || c == '_' || c == '-');
  }
  if (fine) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("\"", absl::CEscape(name.substr(0, 80)),
                   "\" is no name: a name has 1 to 64 letters, digits, '.', "
                   "'_' and '-' and does not start with '.'"));
}

absl::StatusOr<KeyAndRequest> MakeRequest(const std::string& name,
                                          const AlternativeNames& names) {
  if (auto status = CheckName(name); !status.ok()) return status;
  const KeyPtr key = NewKey();
  const RequestPtr request(X509_REQ_new());
  if (key == nullptr || request == nullptr ||
      !SetSubject(X509_REQ_get_subject_name(request.get()), name) ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1) {
    return OpenSslFailure("cannot make the request");
  }
  const NamesPtr alternative(GENERAL_NAMES_new());
  for (const std::string& dns : names.dns) {
    if (auto status = CheckHostName(dns); !status.ok()) return status;
    if (!AddName(alternative.get(), GEN_DNS, dns)) {
      return OpenSslFailure(absl::StrCat("\"", dns, "\" is no host name"));
    }
  }
  for (const std::string& address : names.addresses) {
    if (!AddName(alternative.get(), GEN_IPADD, address)) {
      return OpenSslFailure(absl::StrCat("\"", address, "\" is no IP address"));
    }
  }
  if (sk_GENERAL_NAME_num(alternative.get()) > 0) {
    STACK_OF(X509_EXTENSION)* extensions = nullptr;
    const bool added =
        X509V3_add1_i2d(&extensions, NID_subject_alt_name, alternative.get(), 0,
                        X509V3_ADD_DEFAULT) == 1 &&
        X509_REQ_add_extensions(request.get(), extensions) == 1;
    const ExtensionsPtr owned(extensions);
    if (!added) return OpenSslFailure("cannot add the request's names");
  }
  if (X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0) {
    return OpenSslFailure("cannot sign the request");
  }
  auto key_pem = KeyPem(key.get());
  if (!key_pem.ok()) return key_pem.status();
  auto request_pem = Written("cannot write the request", [&](BIO* bio) {
    return PEM_write_bio_X509_REQ(bio, request.get());
  });
  if (!request_pem.ok()) return request_pem.status();
  return KeyAndRequest{*std::move(key_pem), *std::move(request_pem)};
}

absl::StatusOr<KeyAndCertificate> MakeAuthority(const std::string& name) {
  if (name.empty() || name.size() > 64) {
    return absl::InvalidArgumentError("the authority's name has 1 to 64 bytes");
  }
  const KeyPtr key = NewKey();
  const CertificatePtr certificate(X509_new());
  X509* raw = certificate.get();
  if (key == nullptr || raw == nullptr ||
      !SetSubject(X509_get_subject_name(raw), name) ||
      !FillCertificate(raw, X509_get_subject_name(raw),
                       X509_get_subject_name(raw), key.get(), RandomSerial(),
                       kAuthorityDays * kSecondsPerDay) ||
      !AddExtension(raw, raw, NID_basic_constraints,
                    "critical,CA:TRUE,pathlen:0") ||
      !AddExtension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !AddExtension(raw, raw, NID_subject_key_identifier, "hash") ||
      X509_sign(raw, key.get(), EVP_sha256()) <= 0) {
    return OpenSslFailure("cannot make the authority");
  }
  auto key_pem = KeyPem(key.get());
  if (!key_pem.ok()) return key_pem.status();
  auto certificate_pem = CertificatePem(raw);
  if (!certificate_pem.ok()) return certificate_pem.status();
  return KeyAndCertificate{*std::move(key_pem), *std::move(certificate_pem)};
}

absl::StatusOr<IssuedCertificate> Sign(const KeyAndCertificate& authority,
                                       const std::string& request_pem,
                                       const Grant& grant) {
  if (auto status = CheckGrant(grant); !status.ok()) return status;
  const auto request = ReadRequest(request_pem);
  if (!request.ok()) return request.status();
  const auto key = ReadKey(authority.key);
  if (!key.ok()) return key.status();
  const auto issuer = ReadCertificate(authority.certificate);
  if (!issuer.ok()) return issuer.status();
  X509_NAME* subject = X509_REQ_get_subject_name(request->get());
  const auto name = CommonName(subject);
  if (!name.ok()) return name.status();
  const auto names = RequestedNames(request->get());
  if (!names.ok()) return names.status();
  if (!AddName(names->get(), GEN_URI, "urn:tributary:role:" + grant.role)) {
    return OpenSslFailure("cannot add the role");
  }
  for (const std::string& population : grant.populations) {
    if (!AddName(names->get(), GEN_URI,
                 "urn:tributary:population:" + population)) {
      return OpenSslFailure("cannot add the population");
    }
  }
  const bool is_server = grant.role == "coordinator";
  const std::string serial = RandomSerial();
  const CertificatePtr certificate(X509_new());
  X509* raw = certificate.get();
  // Only the name is taken from the request's subject.
  if (raw == nullptr || !SetSubject(X509_get_subject_name(raw), *name) ||
      !FillCertificate(
          raw, X509_get_subject_name(issuer->get()), X509_get_subject_name(raw),
          X509_REQ_get0_pubkey(request->get()), serial,
          static_cast<long>(grant.validity.count()) * kSecondsPerDay) ||
      !AddExtension(raw, issuer->get(), NID_basic_constraints,
                    "critical,CA:FALSE") ||
      !AddExtension(raw, issuer->get(), NID_key_usage,
                    "critical,digitalSignature") ||
      !AddExtension(raw, issuer->get(), NID_ext_key_usage,
                    is_server ? "clientAuth,serverAuth" : "clientAuth") ||
      !AddExtension(raw, issuer->get(), NID_subject_key_identifier, "hash") ||
      !AddExtension(raw, issuer->get(), NID_authority_key_identifier,
                    "keyid:always") ||
      X509_add1_ext_i2d(raw, NID_subject_alt_name, names->get(), 0,
                        X509V3_ADD_DEFAULT) != 1 ||
      X509_sign(raw, key->get(), EVP_sha256()) <= 0) {
    return OpenSslFailure("cannot make the certificate");
  }
  auto pem = CertificatePem(raw);
  if (!pem.ok()) return pem.status();
  return IssuedCertificate{*name, serial, TimeText(X509_get0_notAfter(raw)),
                           *std::move(pem)};
}

absl::StatusOr<std::string> NameInRequest(const std::string& pem) {
  const auto request = ReadRequest(pem);
  if (!request.ok()) return request.status();
  return CommonName(X509_REQ_get_subject_name(request->get()));
}

absl::StatusOr<std::string> SerialOf(const std::string& pem,
                                     const std::string& authority) {
  const auto certificate = ReadCertificate(pem);
  if (!certificate.ok()) return certificate.status();
  const auto issuer = ReadCertificate(authority);
  if (!issuer.ok()) return issuer.status();
  if (X509_verify(certificate->get(), X509_get0_pubkey(issuer->get())) != 1) {
    ERR_clear_error();
    return absl::FailedPreconditionError(
        "the certificate is not of this authority");
  }
  return SerialText(certificate->get());
}

absl::StatusOr<std::string> MakeCrl(const KeyAndCertificate& authority,
                                    const std::vector<std::string>& serials) {
  const auto key = ReadKey(authority.key);
  if (!key.ok()) return key.status();
  const auto issuer = ReadCertificate(authority.certificate);
  if (!issuer.ok()) return issuer.status();
  const CrlPtr crl(X509_CRL_new());
  const TimePtr now(X509_gmtime_adj(nullptr, 0));
  const TimePtr next(X509_gmtime_adj(nullptr, kAuthorityDays * kSecondsPerDay));
  if (crl == nullptr || X509_CRL_set_version(crl.get(), 1) != 1 ||
      X509_CRL_set_issuer_name(crl.get(),
                               X509_get_subject_name(issuer->get())) != 1 ||
      X509_CRL_set1_lastUpdate(crl.get(), now.get()) != 1 ||
      X509_CRL_set1_nextUpdate(crl.get(), next.get()) != 1) {
    return OpenSslFailure("cannot make the revocation list");
  }
  for (const std::string& serial : serials) {
    const IntegerPtr number = ToInteger(serial);
    RevokedPtr revoked(X509_REVOKED_new());
    if (number == nullptr || revoked == nullptr ||
        X509_REVOKED_set_serialNumber(revoked.get(), number.get()) != 1 ||
        X509_REVOKED_set_revocationDate(revoked.get(), now.get()) != 1 ||
        X509_CRL_add0_revoked(crl.get(), revoked.get()) != 1) {
      return OpenSslFailure("cannot revoke " + serial);
    }
    (void)revoked.release();  // now the list's
  }
  if (X509_CRL_sort(crl.get()) != 1 ||
      X509_CRL_sign(crl.get(), key->get(), EVP_sha256()) <= 0) {
    return OpenSslFailure("cannot sign the revocation list");
  }
  return Written("cannot write the revocation list", [&](BIO* bio) {
    return PEM_write_bio_X509_CRL(bio, crl.get());
  });
}

}  // namespace tributary::ctl
