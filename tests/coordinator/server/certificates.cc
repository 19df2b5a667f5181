// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/server/certificates.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <fstream>

namespace tributary::testing {
namespace {

constexpr long kDay = 24 * 3600;

template <typename Write>
std::string ToPem(const Write& write) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, size);
  BIO_free(bio);
  return pem;
}

void SetName(X509_NAME* name, const std::string& common_name) {
  X509_NAME_add_entry_by_txt(
      name, "CN", MBSTRING_UTF8,
      reinterpret_cast<const unsigned char*>(common_name.data()),
      static_cast<int>(common_name.size()), -1, 0);
}

void AddExtension(X509* certificate, int id, const std::string& value) {
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* NewCertificate(const std::string& name, EVP_PKEY* key) {
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  BIGNUM* serial = BN_new();
  BN_rand(serial, 120, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY);
  BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate));
  BN_free(serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), kDay);
  X509_set_pubkey(certificate, key);
  SetName(X509_get_subject_name(certificate), name);
  return certificate;
}

std::string CertificatePem(X509* certificate) {
  return ToPem([&](BIO* bio) { PEM_write_bio_X509(bio, certificate); });
}

}  // namespace

struct Authority::Keys {
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
};

Authority::Authority(const std::string& name)
    : keys_(std::make_unique<Keys>()) {
  keys_->key = EVP_EC_gen("P-256");
  keys_->certificate = NewCertificate(name, keys_->key);
  X509_set_issuer_name(keys_->certificate,
                       X509_get_subject_name(keys_->certificate));
  AddExtension(keys_->certificate, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(keys_->certificate, NID_key_usage,
               "critical,keyCertSign,cRLSign");
  X509_sign(keys_->certificate, keys_->key, EVP_sha256());
  certificate_ = CertificatePem(keys_->certificate);
}

Authority::~Authority() {
  X509_free(keys_->certificate);
  EVP_PKEY_free(keys_->key);
}

IssuedCertificate Authority::Issue(const std::string& name,
                                   const std::vector<std::string>& uris) const {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = NewCertificate(name, key);
  X509_set_issuer_name(certificate, X509_get_subject_name(keys_->certificate));
  std::string names = "DNS:localhost,IP:127.0.0.1";
  for (const std::string& uri : uris) names += ",URI:" + uri;
  AddExtension(certificate, NID_subject_alt_name, names);
  X509_sign(certificate, keys_->key, EVP_sha256());

  IssuedCertificate issued;
  issued.certificate = CertificatePem(certificate);
  issued.key = ToPem([&](BIO* bio) {
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  BIGNUM* serial =
      ASN1_INTEGER_to_BN(X509_get_serialNumber(certificate), nullptr);
  char* digits = BN_bn2hex(serial);
  issued.serial = digits;
  OPENSSL_free(digits);
  BN_free(serial);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return issued;
}

std::string Authority::Revoke(const std::vector<std::string>& serials) const {
  X509_CRL* list = X509_CRL_new();
  X509_CRL_set_version(list, X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(keys_->certificate));
  ASN1_TIME* now = X509_gmtime_adj(nullptr, 0);
  X509_CRL_set1_lastUpdate(list, now);
  X509_CRL_set1_nextUpdate(list, X509_gmtime_adj(now, kDay));
  for (const std::string& serial : serials) {
    BIGNUM* number = nullptr;
    BN_hex2bn(&number, serial.c_str());
    ASN1_INTEGER* integer = BN_to_ASN1_INTEGER(number, nullptr);
    X509_REVOKED* revoked = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(revoked, integer);
    X509_REVOKED_set_revocationDate(revoked, now);
    X509_CRL_add0_revoked(list, revoked);
    ASN1_INTEGER_free(integer);
    BN_free(number);
  }
  ASN1_TIME_free(now);
  X509_CRL_sort(list);
  X509_CRL_sign(list, keys_->key, EVP_sha256());
  std::string pem = ToPem([&](BIO* bio) { PEM_write_bio_X509_CRL(bio, list); });
  X509_CRL_free(list);
  return pem;
}

TemporaryFolder::TemporaryFolder() {
  std::string name =
      (std::filesystem::temp_directory_path() / "tributary-XXXXXX").string();
  path_ = mkdtemp(name.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

std::filesystem::path TemporaryFolder::Write(const std::string& name,
                                             const std::string& bytes) const {
  // Renamed into place: a watcher never reads half a file.
  const std::filesystem::path file = path_ / name;
  const std::filesystem::path draft = path_ / (name + ".new");
  std::ofstream(draft, std::ios::binary) << bytes;
  std::filesystem::rename(draft, file);
  return file;
}

}  // namespace tributary::testing
