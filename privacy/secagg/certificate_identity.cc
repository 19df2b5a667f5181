// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/certificate_identity.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "privacy/crypto/openssl_failure.h"
#include "privacy/crypto/openssl_objects.h"
#include "privacy/secagg/certificate_fields.h"

namespace tributary::secagg {
namespace {

constexpr std::string_view kRole = "urn:tributary:role:";
// As `tributaryctl pki` demands of requests.
constexpr int kLeastSecurityBits = 112;

void FreeKeyId(AUTHORITY_KEYID* id) { AUTHORITY_KEYID_free(id); }
using KeyIdPtr = std::unique_ptr<AUTHORITY_KEYID, FreeWith<FreeKeyId>>;
using DigestContextPtr = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;

absl::Status Refuse(const char* reason) {
  ERR_clear_error();
  return absl::UnauthenticatedError(reason);
}

std::string_view AsText(const ASN1_STRING* bytes) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(bytes)),
          static_cast<std::size_t>(ASN1_STRING_length(bytes))};
}

// Ed25519 and Ed448 hash by themselves.
const EVP_MD* HashFor(EVP_PKEY* key) {
  return EVP_PKEY_is_a(key, "ED25519") == 1 || EVP_PKEY_is_a(key, "ED448") == 1
             ? nullptr
             : EVP_sha256();
}

std::string ToDer(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  if (size < 0) internal::OpenSslFailed("i2d_X509");
  std::string der(reinterpret_cast<char*>(bytes),
                  static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

class CertificateSigner final : public Signer {
 public:
  CertificateSigner(KeyPtr key, std::string credential)
      : key_(std::move(key)), credential_(std::move(credential)) {}

  const std::string& credential() const override { return credential_; }

  absl::StatusOr<std::string> Sign(std::string_view statement) override {
    const DigestContextPtr context(EVP_MD_CTX_new());
    const auto* text = reinterpret_cast<const unsigned char*>(statement.data());
    std::size_t size = 0;
    if (context == nullptr ||
        EVP_DigestSignInit(context.get(), nullptr, HashFor(key_.get()), nullptr,
                           key_.get()) != 1 ||
        EVP_DigestSign(context.get(), nullptr, &size, text, statement.size()) !=
            1) {
      ERR_clear_error();
      return absl::InternalError("the client's key does not sign");
    }
    std::string signature(size, '\0');
    if (EVP_DigestSign(context.get(),
                       reinterpret_cast<unsigned char*>(signature.data()),
                       &size, text, statement.size()) != 1) {
      ERR_clear_error();
      return absl::InternalError("the client's key does not sign");
    }
    signature.resize(size);
    return signature;
  }

 private:
  KeyPtr key_;
  std::string credential_;
};

class CertificatePeer final : public Peer {
 public:
  CertificatePeer(KeyPtr key, std::string name)
      : key_(std::move(key)), name_(std::move(name)) {}

  const std::string& name() const override { return name_; }

  absl::Status Verify(std::string_view statement,
                      std::string_view signature) const override {
    const DigestContextPtr context(EVP_MD_CTX_new());
    if (context == nullptr ||
        EVP_DigestVerifyInit(context.get(), nullptr, HashFor(key_.get()),
                             nullptr, key_.get()) != 1 ||
        EVP_DigestVerify(
            context.get(),
            reinterpret_cast<const unsigned char*>(signature.data()),
            signature.size(),
            reinterpret_cast<const unsigned char*>(statement.data()),
            statement.size()) != 1) {
      return Refuse("a signature that is not its owner's");
    }
    return absl::OkStatus();
  }

 private:
  KeyPtr key_;
  std::string name_;
};

std::string SerialOf(const SignedFields& certificate) {
  const NumberPtr number(ASN1_INTEGER_to_BN(certificate.serial, nullptr));
  if (number == nullptr) return "";
  char* text = BN_bn2hex(number.get());
  if (text == nullptr) return "";
  std::string serial(text);
  OPENSSL_free(text);
  return serial;
}

std::string CommonName(const SignedFields& certificate) {
  const X509_NAME* subject = certificate.subject;
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return "";
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(
      &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) return "";
  std::string name(reinterpret_cast<char*>(text),
                   static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return name;
}

// An extension by its OpenSSL number. Where there is none, `is_sound` decides
// between a certificate without it and one that has it twice or malformed.
template <typename Pointer>
struct Extension {
  Extension(const SignedFields& certificate, int number) {
    int found = 0;  // -1: none
    value.reset(static_cast<typename Pointer::pointer>(
        X509V3_get_d2i(certificate.extensions, number, &found, nullptr)));
    is_sound = value != nullptr || found == -1;
  }
  Pointer value;
  bool is_sound;
};

// A coordinator or an operator has a certificate of the same authority, and is
// no client.
bool IsTrainer(const SignedFields& certificate) {
  const Extension<NamesPtr> names(certificate, NID_subject_alt_name);
  if (names.value == nullptr) return names.is_sound;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.value.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.value.get(), i);
    if (name->type != GEN_URI) continue;
    const std::string_view uri = AsText(name->d.uniformResourceIdentifier);
    if (uri.starts_with(kRole) && uri.substr(kRole.size()) != "trainer") {
      return false;
    }
  }
  return true;
}

class CertificateAuthority final : public Authority {
 public:
  CertificateAuthority(std::vector<CertificatePtr> authorities,
                       const AuthorityOptions& options)
      : authorities_(std::move(authorities)),
        now_(static_cast<time_t>(options.now)),
        revoked_(options.revoked) {}

  absl::StatusOr<std::unique_ptr<Peer>> Identify(
      std::string_view credential) const override {
    if (credential.empty() || credential.size() > kMaxCredential) {
      return Refuse("a credential of a wrong size");
    }
    const auto certificate = ReadCertificateFields(credential);
    if (certificate == nullptr) {
      return Refuse("a credential that is no certificate");
    }
    if (!IsIssued(*certificate)) {
      return Refuse("a certificate of another authority");
    }
    const SignedFields& fields = *certificate->fields;
    time_t now = now_;  // OpenSSL reads it only
    if (X509_cmp_time(fields.validity->notBefore, &now) != -1 ||
        X509_cmp_time(fields.validity->notAfter, &now) != 1) {
      return Refuse("a certificate that is not valid now");
    }
    if (revoked_.contains(SerialOf(fields))) {
      return Refuse("a certificate that was revoked");
    }
    if (!IsTrainer(fields)) {
      return Refuse("a certificate of somebody who is no trainer");
    }
    std::string name = CommonName(fields);
    if (name.empty()) return Refuse("a certificate without a name");
    KeyPtr key = ReadPublicKey(AsText(fields.key));
    if (key == nullptr ||
        EVP_PKEY_get_security_bits(key.get()) < kLeastSecurityBits) {
      return Refuse("a certificate with a weak key");
    }
    ERR_clear_error();
    return std::make_unique<CertificatePeer>(std::move(key), std::move(name));
  }

 private:
  bool IsIssued(const CertificateFields& certificate) const {
    const Extension<KeyIdPtr> key_id(*certificate.fields,
                                     NID_authority_key_identifier);
    if (!key_id.is_sound) return false;
    for (const CertificatePtr& authority : authorities_) {
      if (X509_NAME_cmp(X509_get_subject_name(authority.get()),
                        certificate.fields->issuer) == 0 &&
          X509_check_akid(authority.get(), key_id.value.get()) == X509_V_OK &&
          (X509_get_key_usage(authority.get()) & KU_KEY_CERT_SIGN) != 0 &&
          certificate.IsSignedBy(X509_get0_pubkey(authority.get()))) {
        return true;
      }
    }
    return false;
  }

  std::vector<CertificatePtr> authorities_;
  time_t now_;
  std::set<std::string> revoked_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Signer>> MakeCertificateSigner(
    std::string_view certificate_pem, std::string_view key_pem) {
  const CertificatePtr certificate = FirstCertificate(certificate_pem);
  KeyPtr key = FirstPrivateKey(key_pem);
  if (certificate == nullptr || key == nullptr) {
    ERR_clear_error();
    return absl::InvalidArgumentError(
        certificate == nullptr ? "the client's certificate is no PEM text"
                               : "the client's key is no PEM text");
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError(
        "the client's key is not that of its certificate");
  }
  return std::make_unique<CertificateSigner>(std::move(key),
                                             ToDer(certificate.get()));
}

absl::StatusOr<std::unique_ptr<Authority>> MakeCertificateAuthority(
    const AuthorityOptions& options) {
  const BioPtr reader = PemReader(options.certificates_pem);
  std::vector<CertificatePtr> authorities;
  while (CertificatePtr next = NextCertificate(reader.get())) {
    // Its extensions are worked out at first use, which is not for two threads.
    X509_check_purpose(next.get(), -1, 0);
    authorities.push_back(std::move(next));
  }
  ERR_clear_error();
  if (authorities.empty()) {
    return absl::InvalidArgumentError("the authority is no PEM certificate");
  }
  return std::make_unique<CertificateAuthority>(std::move(authorities),
                                                options);
}

}  // namespace tributary::secagg
