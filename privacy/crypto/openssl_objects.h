// SPDX-License-Identifier: Apache-2.0
// Owners for OpenSSL's objects, and how PEM texts are read.
//
// Threads: an object belongs to one at a time. What fails leaves its reason in
// OpenSSL's queue of errors: the caller reads or clears it.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string_view>

namespace tributary {

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
inline void FreeNames(GENERAL_NAMES* names) { GENERAL_NAMES_free(names); }
inline void FreeExtensions(STACK_OF(X509_EXTENSION) * extensions) {
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

using BioPtr = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, FreeWith<X509_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, FreeWith<X509_REQ_free>>;
using CrlPtr = std::unique_ptr<X509_CRL, FreeWith<X509_CRL_free>>;
using RevokedPtr = std::unique_ptr<X509_REVOKED, FreeWith<X509_REVOKED_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using IntegerPtr = std::unique_ptr<ASN1_INTEGER, FreeWith<ASN1_INTEGER_free>>;
using TimePtr = std::unique_ptr<ASN1_TIME, FreeWith<ASN1_TIME_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, FreeWith<FreeNames>>;
using ExtensionPtr =
    std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;
using ExtensionsPtr =
    std::unique_ptr<STACK_OF(X509_EXTENSION), FreeWith<FreeExtensions>>;

// Reads the text, which outlives it.
inline BioPtr PemReader(std::string_view pem) {
  return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// For OpenSSL's readers: never asks on the terminal for a pass phrase.
inline int NoPassPhrase(char*, int, int, void*) { return -1; }

// The next certificate; null if there is none.
inline CertificatePtr NextCertificate(BIO* reader) {
  return CertificatePtr(
      PEM_read_bio_X509(reader, nullptr, NoPassPhrase, nullptr));
}
inline CertificatePtr FirstCertificate(std::string_view pem) {
  return NextCertificate(PemReader(pem).get());
}

// The first private key; null if there is none, or a pass phrase guards it.
inline KeyPtr FirstPrivateKey(std::string_view pem) {
  return KeyPtr(PEM_read_bio_PrivateKey(PemReader(pem).get(), nullptr,
                                        NoPassPhrase, nullptr));
}

}  // namespace tributary
