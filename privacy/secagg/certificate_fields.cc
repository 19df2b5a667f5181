// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/certificate_fields.h"

#include <openssl/asn1t.h>
#include <openssl/ec.h>

#include <cstddef>
#include <string>

#include "privacy/crypto/openssl_failure.h"

namespace tributary::secagg {
namespace {

ASN1_SEQUENCE_enc(SignedFields, bytes, nullptr) = {
    ASN1_EXP_OPT(SignedFields, version, ASN1_INTEGER, 0),
    ASN1_SIMPLE(SignedFields, serial, ASN1_INTEGER),
    ASN1_SIMPLE(SignedFields, algorithm, X509_ALGOR),
    ASN1_SIMPLE(SignedFields, issuer, X509_NAME),
    ASN1_SIMPLE(SignedFields, validity, X509_VAL),
    ASN1_SIMPLE(SignedFields, subject, X509_NAME),
    ASN1_SIMPLE(SignedFields, key, ASN1_SEQUENCE),
    ASN1_IMP_OPT(SignedFields, issuer_id, ASN1_BIT_STRING, 1),
    ASN1_IMP_OPT(SignedFields, subject_id, ASN1_BIT_STRING, 2),
    ASN1_EXP_SEQUENCE_OF_OPT(SignedFields, extensions, X509_EXTENSION, 3),
} static_ASN1_SEQUENCE_END_ref(SignedFields, SignedFields);

ASN1_SEQUENCE(CertificateFields) = {
    ASN1_SIMPLE(CertificateFields, fields, SignedFields),
    ASN1_SIMPLE(CertificateFields, algorithm, X509_ALGOR),
    ASN1_SIMPLE(CertificateFields, signature, ASN1_BIT_STRING),
} static_ASN1_SEQUENCE_END(CertificateFields);

// Nearly all keys are on this curve. One is made of its point and the curve of
// a key that is there already, in a twentieth of the time.
class Curve {
 public:
  explicit Curve(const char* name)
      : sample_(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", name)) {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(sample_.get(), &der);
    unsigned char* point = nullptr;
    point_ = EVP_PKEY_get1_encoded_public_key(sample_.get(), &point);
    if (size <= 0 || point_ == 0 || point_ > static_cast<std::size_t>(size)) {
      internal::OpenSslFailed("EVP_PKEY_Q_keygen");
    }
    head_.assign(reinterpret_cast<char*>(der),
                 static_cast<std::size_t>(size) - point_);
    OPENSSL_free(der);
    OPENSSL_free(point);
  }

  bool Has(std::string_view der) const {
    return der.size() == head_.size() + point_ && der.starts_with(head_);
  }
  // Null if the point is not on the curve.
  KeyPtr Read(std::string_view der) const {
    KeyPtr key(EVP_PKEY_new());
    if (key == nullptr ||
        EVP_PKEY_copy_parameters(key.get(), sample_.get()) != 1) {
      internal::OpenSslFailed("EVP_PKEY_copy_parameters");
    }
    if (EVP_PKEY_set1_encoded_public_key(
            key.get(),
            reinterpret_cast<const unsigned char*>(der.data() + head_.size()),
            point_) != 1) {
      return nullptr;
    }
    return key;
  }

 private:
  KeyPtr sample_;
  std::string head_;   // of every key's DER: algorithm, curve, sizes
  std::size_t point_;  // bytes of what follows
};

}  // namespace

bool CertificateFields::IsSignedBy(EVP_PKEY* key) const {
  return X509_ALGOR_cmp(algorithm, fields->algorithm) == 0 &&
         ASN1_item_verify(ASN1_ITEM_rptr(SignedFields), algorithm, signature,
                          fields, key) == 1;
}

void FreeCertificateFields(CertificateFields* certificate) {
  ASN1_item_free(reinterpret_cast<ASN1_VALUE*>(certificate),
                 ASN1_ITEM_rptr(CertificateFields));
}

CertificateFieldsPtr ReadCertificateFields(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  CertificateFieldsPtr certificate(reinterpret_cast<CertificateFields*>(
      ASN1_item_d2i(nullptr, &at, static_cast<long>(der.size()),
                    ASN1_ITEM_rptr(CertificateFields))));
  return at == end ? std::move(certificate) : nullptr;
}

KeyPtr ReadPublicKey(std::string_view der) {
  static const auto& p256 = *new Curve("P-256");
  if (p256.Has(der)) return p256.Read(der);
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  KeyPtr key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  return at == end ? std::move(key) : nullptr;
}

}  // namespace tributary::secagg
