// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/certificate_identity.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "privacy/crypto/openssl_failure.h"
#include "privacy/crypto/openssl_objects.h"

namespace tributary::secagg {
namespace {

constexpr std::string_view kRole = "urn:tributary:role:";
// As `tributaryctl pki` demands of requests.
constexpr int kLeastSecurityBits = 112;

using DigestContextPtr = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;

absl::Status Refuse(const char* reason) {
  ERR_clear_error();
  return absl::UnauthenticatedError(reason);
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

std::string SerialOf(X509* certificate) {
  const NumberPtr number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (number == nullptr) return "";
  char* text = BN_bn2hex(number.get());
  if (text == nullptr) return "";
  std::string serial(text);
  OPENSSL_free(text);
  return serial;
}

std::string CommonName(X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
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

// A coordinator or an operator has a certificate of the same authority, and is
// no client.
bool IsTrainer(X509* certificate) {
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return true;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const auto* text = ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
    const std::string_view uri(reinterpret_cast<const char*>(text),
                               static_cast<std::size_t>(ASN1_STRING_length(
                                   name->d.uniformResourceIdentifier)));
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
    const auto* at = reinterpret_cast<const unsigned char*>(credential.data());
    const auto* const end = at + credential.size();
    if (credential.empty() || credential.size() > kMaxCredential) {
      return Refuse("a credential of a wrong size");
    }
    const CertificatePtr certificate(
        d2i_X509(nullptr, &at, static_cast<long>(credential.size())));
    if (certificate == nullptr || at != end) {
      return Refuse("a credential that is no certificate");
    }
    if (!IsIssued(certificate.get())) {
      return Refuse("a certificate of another authority");
    }
    time_t now = now_;  // OpenSSL reads it only
    if (X509_cmp_time(X509_get0_notBefore(certificate.get()), &now) != -1 ||
        X509_cmp_time(X509_get0_notAfter(certificate.get()), &now) != 1) {
      return Refuse("a certificate that is not valid now");
    }
    if (revoked_.contains(SerialOf(certificate.get()))) {
      return Refuse("a certificate that was revoked");
    }
    if (!IsTrainer(certificate.get())) {
      return Refuse("a certificate of somebody who is no trainer");
    }
    std::string name = CommonName(certificate.get());
    if (name.empty()) return Refuse("a certificate without a name");
    EVP_PKEY* key = X509_get0_pubkey(certificate.get());
    if (key == nullptr ||
        EVP_PKEY_get_security_bits(key) < kLeastSecurityBits) {
      return Refuse("a certificate with a weak key");
    }
    EVP_PKEY_up_ref(key);
    ERR_clear_error();
    return std::make_unique<CertificatePeer>(KeyPtr(key), std::move(name));
  }

 private:
  bool IsIssued(X509* certificate) const {
    for (const CertificatePtr& authority : authorities_) {
      if (X509_check_issued(authority.get(), certificate) == X509_V_OK &&
          X509_verify(certificate, X509_get0_pubkey(authority.get())) == 1) {
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
