// SPDX-License-Identifier: Apache-2.0
#include "tests/client/grpc/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

namespace tributary {
namespace {

using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free_all)>;

std::string Contents(const BioPtr& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

struct Issued {
  CertificatePtr certificate;
  KeyPtr key;

  KeyPair ToPem() const {
    const BioPtr certificate_bio(BIO_new(BIO_s_mem()), BIO_free_all);
    PEM_write_bio_X509(certificate_bio.get(), certificate.get());
    const BioPtr key_bio(BIO_new(BIO_s_mem()), BIO_free_all);
    PEM_write_bio_PrivateKey(key_bio.get(), key.get(), nullptr, nullptr, 0,
                             nullptr, nullptr);
    return {Contents(certificate_bio), Contents(key_bio)};
  }
};

Issued Issue(const char* name, int extension, const char* value,
             const Issued* issuer, long serial) {
  Issued issued{CertificatePtr(X509_new(), X509_free),
                KeyPtr(EVP_EC_gen("P-256"), EVP_PKEY_free)};
  X509* certificate = issued.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400);
  X509_set_pubkey(certificate, issued.key.get());
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1,
                             -1, 0);
  const Issued& signer = issuer != nullptr ? *issuer : issued;
  X509_set_issuer_name(certificate,
                       X509_get_subject_name(signer.certificate.get()));
  X509_EXTENSION* made =
      X509V3_EXT_conf_nid(nullptr, nullptr, extension, value);
  X509_add_ext(certificate, made, -1);
  X509_EXTENSION_free(made);
  X509_sign(certificate, signer.key.get(), EVP_sha256());
  return issued;
}

}  // namespace

TestCertificates MakeCertificates() {
  const Issued authority =
      Issue("authority", NID_basic_constraints, "critical,CA:TRUE", nullptr, 1);
  const Issued coordinator = Issue("coordinator", NID_subject_alt_name,
                                   "DNS:localhost,IP:127.0.0.1", &authority, 2);
  const Issued client = Issue("pump-17", NID_subject_alt_name,
                              "URI:urn:tributary:role:trainer", &authority, 3);
  return {authority.ToPem(), coordinator.ToPem(), client.ToPem()};
}

}  // namespace tributary
