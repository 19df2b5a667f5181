// SPDX-License-Identifier: Apache-2.0
// The fields of an X.509 certificate (RFC 5280, section 4.1), read by OpenSSL
// but for the key, which stays bytes: X509 makes a key of them at once, through
// decoders that OpenSSL 3.0 searches for anew each time, and that takes longer
// than checking the certificate's signature. A client reads some 150 of them.
//
// Values; one thread at a time.
#pragma once

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include <memory>
#include <string_view>

#include "privacy/crypto/openssl_objects.h"

namespace tributary::secagg {

// TBSCertificate.
struct SignedFields {
  ASN1_INTEGER* version;  // null: the first
  ASN1_INTEGER* serial;
  X509_ALGOR* algorithm;
  X509_NAME* issuer;
  X509_VAL* validity;
  X509_NAME* subject;
  ASN1_STRING* key;            // SubjectPublicKeyInfo, in DER
  ASN1_BIT_STRING* issuer_id;  // null: none
  ASN1_BIT_STRING* subject_id;
  STACK_OF(X509_EXTENSION) * extensions;  // null: none
  ASN1_ENCODING bytes;                    // as they came
};

// Certificate.
struct CertificateFields {
  SignedFields* fields;
  X509_ALGOR* algorithm;
  ASN1_BIT_STRING* signature;

  // False also if the signature's algorithm is not the one that was signed.
  bool IsSignedBy(EVP_PKEY* key) const;
};

void FreeCertificateFields(CertificateFields* certificate);
using CertificateFieldsPtr =
    std::unique_ptr<CertificateFields, FreeWith<FreeCertificateFields>>;

// Null if it is no certificate, or more than one.
CertificateFieldsPtr ReadCertificateFields(std::string_view der);

// A public key from its SubjectPublicKeyInfo; null if it is none.
KeyPtr ReadPublicKey(std::string_view der);

}  // namespace tributary::secagg
