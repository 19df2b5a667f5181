// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/certificate_identity.h"

#include <chrono>

#include "privacy/crypto/openssl_objects.h"
#include "tests/coordinator/server/certificates.h"

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

using CertificateSource = tributary::testing::Authority;
using tributary::testing::IssuedCertificate;
using tributary::testing::RoleUri;

std::int64_t Now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct CertificateFixture {
  CertificateSource source{"authority"};
  std::unique_ptr<Authority> authority =
      MakeCertificateAuthority({source.certificate(), Now(), {}}).value();

  std::unique_ptr<Signer> SignerNamed(const std::string& name) const {
    const auto issued = source.Issue(name, {RoleUri("trainer")});
    return MakeCertificateSigner(issued.certificate, issued.key).value();
  }
  std::string Reason(const Authority& by, const std::string& credential) const {
    return std::string(by.Identify(credential).status().message());
  }
};

TEST_CASE_METHOD(CertificateFixture, "what a client signs, its peers verify") {
  const auto signer = SignerNamed("first");
  const auto peer = authority->Identify(signer->credential());
  REQUIRE(peer.ok());
  CHECK((*peer)->name() == "first");
  const auto signature = signer->Sign("a statement");
  REQUIRE(signature.ok());
  CHECK((*peer)->Verify("a statement", *signature).ok());
  CHECK_FALSE((*peer)->Verify("another", *signature).ok());
  CHECK_FALSE((*peer)->Verify("a statement", "").ok());
  CHECK_FALSE((*peer)
                  ->Verify("a statement",
                           SignerNamed("other")->Sign("a statement").value())
                  .ok());
}

TEST_CASE_METHOD(CertificateFixture, "an Ed25519 key signs and verifies") {
  // Self-signed, so that it is its own authority.
  const KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const CertificatePtr certificate(X509_new());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>("ed"), 2,
                             -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 600);
  X509_set_pubkey(certificate.get(), key.get());
  REQUIRE(X509_sign(certificate.get(), key.get(), nullptr) > 0);
  const auto pem = [](auto write) {
    const BioPtr memory(BIO_new(BIO_s_mem()));
    write(memory.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &text);
    return std::string(text, static_cast<std::size_t>(size));
  };
  const std::string certificate_pem =
      pem([&](BIO* to) { PEM_write_bio_X509(to, certificate.get()); });
  const std::string key_pem = pem([&](BIO* to) {
    PEM_write_bio_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr,
                             nullptr);
  });
  const auto signer = MakeCertificateSigner(certificate_pem, key_pem);
  REQUIRE(signer.ok());
  const auto own = MakeCertificateAuthority({certificate_pem, Now(), {}});
  REQUIRE(own.ok());
  const auto peer = (*own)->Identify((*signer)->credential());
  REQUIRE(peer.ok());
  CHECK((*peer)->name() == "ed");
  CHECK((*peer)->Verify("x", (*signer)->Sign("x").value()).ok());
  CHECK_FALSE((*peer)->Verify("y", (*signer)->Sign("x").value()).ok());
}

TEST_CASE_METHOD(CertificateFixture,
                 "whom the authority does not vouch for is refused") {
  const auto signer = SignerNamed("first");
  const CertificateSource other("authority");
  const auto foreign = other.Issue("first", {RoleUri("trainer")});
  CHECK(Reason(*authority,
               MakeCertificateSigner(foreign.certificate, foreign.key)
                   .value()
                   ->credential()) == "a certificate of another authority");
  CHECK(Reason(*authority, "") == "a credential of a wrong size");
  CHECK(Reason(*authority, std::string(5000, 'x')) ==
        "a credential of a wrong size");
  CHECK(Reason(*authority, "nonsense") ==
        "a credential that is no certificate");
  CHECK(Reason(*authority, signer->credential() + "x") ==
        "a credential that is no certificate");
  std::string changed = signer->credential();
  changed[changed.size() / 2] =
      static_cast<char>(changed[changed.size() / 2] ^ 1);
  CHECK_FALSE(authority->Identify(changed).ok());
}

TEST_CASE_METHOD(CertificateFixture,
                 "an expired, revoked or non-trainer certificate is refused") {
  const auto issued = source.Issue("first", {RoleUri("trainer")});
  const auto signer =
      MakeCertificateSigner(issued.certificate, issued.key).value();
  const std::int64_t years = 60LL * 365 * 86'400;
  for (const std::int64_t when : {Now() + years, std::int64_t{86'400}}) {
    const auto then =
        MakeCertificateAuthority({source.certificate(), when, {}}).value();
    CHECK(Reason(*then, signer->credential()) ==
          "a certificate that is not valid now");
  }
  const auto strict =
      MakeCertificateAuthority({source.certificate(), Now(), {issued.serial}})
          .value();
  CHECK(Reason(*strict, signer->credential()) ==
        "a certificate that was revoked");
  for (const char* role : {"coordinator", "operator", "evaluator"}) {
    const auto staff = source.Issue("staff", {RoleUri(role)});
    CHECK(Reason(*authority, MakeCertificateSigner(staff.certificate, staff.key)
                                 .value()
                                 ->credential()) ==
          "a certificate of somebody who is no trainer");
  }
}

TEST_CASE_METHOD(CertificateFixture,
                 "a key of another certificate is refused") {
  const auto first = source.Issue("first", {});
  const auto second = source.Issue("second", {});
  CHECK(
      MakeCertificateSigner(first.certificate, second.key).status().message() ==
      "the client's key is not that of its certificate");
  CHECK_FALSE(MakeCertificateSigner("x", second.key).ok());
  CHECK_FALSE(MakeCertificateSigner(first.certificate, "x").ok());
  CHECK_FALSE(MakeCertificateAuthority({"x", 0, {}}).ok());
}

}  // namespace
}  // namespace tributary::secagg
