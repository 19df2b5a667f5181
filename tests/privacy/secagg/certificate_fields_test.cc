// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/certificate_fields.h"

#include <string>

#include "tests/coordinator/server/certificates.h"

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

using CertificateSource = tributary::testing::Authority;

template <typename Write>
std::string DerOf(const Write& write) {
  unsigned char* bytes = nullptr;
  const int size = write(&bytes);
  REQUIRE(size > 0);
  std::string der(reinterpret_cast<char*>(bytes),
                  static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

std::string KeyDer(EVP_PKEY* key) {
  return DerOf([&](unsigned char** to) { return i2d_PUBKEY(key, to); });
}

std::string TextOf(const ASN1_STRING* bytes) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(bytes)),
          static_cast<std::size_t>(ASN1_STRING_length(bytes))};
}

struct FieldsFixture {
  CertificateSource source{"authority"};
  CertificatePtr authority = FirstCertificate(source.certificate());
  // As OpenSSL's own reader sees it.
  CertificatePtr whole =
      FirstCertificate(source.Issue("first", {"urn:x:y"}).certificate);
  std::string der =
      DerOf([&](unsigned char** to) { return i2d_X509(whole.get(), to); });
};

TEST_CASE_METHOD(FieldsFixture, "the fields are those that X509 reads") {
  const auto read = ReadCertificateFields(der);
  REQUIRE(read != nullptr);
  const SignedFields& fields = *read->fields;
  CHECK(ASN1_INTEGER_cmp(fields.serial, X509_get0_serialNumber(whole.get())) ==
        0);
  CHECK(X509_NAME_cmp(fields.issuer, X509_get_issuer_name(whole.get())) == 0);
  CHECK(X509_NAME_cmp(fields.subject, X509_get_subject_name(whole.get())) == 0);
  CHECK(TextOf(fields.validity->notBefore) ==
        TextOf(X509_get0_notBefore(whole.get())));
  CHECK(TextOf(fields.validity->notAfter) ==
        TextOf(X509_get0_notAfter(whole.get())));
  CHECK(sk_X509_EXTENSION_num(fields.extensions) ==
        X509_get_ext_count(whole.get()));
  CHECK(TextOf(fields.key) == KeyDer(X509_get0_pubkey(whole.get())));
  CHECK(EVP_PKEY_eq(ReadPublicKey(TextOf(fields.key)).get(),
                    X509_get0_pubkey(whole.get())) == 1);
}

TEST_CASE_METHOD(FieldsFixture, "a certificate is signed by its issuer alone") {
  const auto read = ReadCertificateFields(der);
  REQUIRE(read != nullptr);
  CHECK(read->IsSignedBy(X509_get0_pubkey(authority.get())));
  CHECK_FALSE(read->IsSignedBy(X509_get0_pubkey(whole.get())));
  const KeyPtr other(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  CHECK_FALSE(read->IsSignedBy(other.get()));
}

TEST_CASE_METHOD(FieldsFixture, "no bit of a certificate can be changed") {
  for (std::size_t bit = 0; bit < 8 * der.size(); ++bit) {
    std::string changed = der;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    const auto read = ReadCertificateFields(changed);
    if (read == nullptr) continue;
    INFO(bit);
    CHECK_FALSE(read->IsSignedBy(X509_get0_pubkey(authority.get())));
  }
}

TEST_CASE_METHOD(FieldsFixture, "a part of a certificate, or more, is none") {
  for (std::size_t size = 0; size < der.size(); ++size) {
    INFO(size);
    CHECK(ReadCertificateFields(der.substr(0, size)) == nullptr);
  }
  CHECK(ReadCertificateFields(der + '\0') == nullptr);
  CHECK(ReadCertificateFields(der + der) == nullptr);
}

TEST_CASE("keys of every kind are read from their bytes") {
  for (const char* kind : {"P-256", "P-384", "ED25519", "RSA"}) {
    INFO(kind);
    const bool is_curve = kind[0] == 'P';
    const KeyPtr key(
        is_curve ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", kind)
        : kind[0] == 'R'
            ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048})
            : EVP_PKEY_Q_keygen(nullptr, nullptr, kind));
    REQUIRE(key != nullptr);
    const std::string der = KeyDer(key.get());
    const KeyPtr read = ReadPublicKey(der);
    REQUIRE(read != nullptr);
    CHECK(EVP_PKEY_eq(read.get(), key.get()) == 1);
    CHECK(EVP_PKEY_get_security_bits(read.get()) ==
          EVP_PKEY_get_security_bits(key.get()));
    CHECK(KeyDer(read.get()) == der);
    CHECK(ReadPublicKey(der + '\0') == nullptr);
    CHECK(ReadPublicKey(der.substr(0, der.size() - 1)) == nullptr);
  }
  CHECK(ReadPublicKey("") == nullptr);
}

TEST_CASE("a point that is not on the curve is no key") {
  const KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  std::string der = KeyDer(key.get());
  der.back() = static_cast<char>(der.back() ^ 1);
  CHECK(ReadPublicKey(der) == nullptr);
  ERR_clear_error();
}

}  // namespace
}  // namespace tributary::secagg
