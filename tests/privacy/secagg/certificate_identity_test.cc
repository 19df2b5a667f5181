// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/certificate_identity.h"

#include <chrono>
#include <utility>
#include <vector>

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

// OpenSSL's numbers of extensions, and their values in its words.
using Extensions = std::vector<std::pair<int, std::string>>;

struct Made {
  KeyPtr key;
  CertificatePtr certificate;

  template <typename Write>
  static std::string Pem(const Write& write) {
    const BioPtr memory(BIO_new(BIO_s_mem()));
    write(memory.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &text);
    return std::string(text, static_cast<std::size_t>(size));
  }
  std::string certificate_pem() const {
    return Pem([&](BIO* to) { PEM_write_bio_X509(to, certificate.get()); });
  }
  std::string key_pem() const {
    return Pem([&](BIO* to) {
      PEM_write_bio_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr,
                               nullptr);
    });
  }
};

// A certificate by `issuer`; by itself if that is null.
Made Make(const std::string& name, const char* kind,
          const Extensions& extensions, const Made* issuer = nullptr) {
  KeyPtr key(kind == std::string("P-256")
                 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", kind)
                 : EVP_PKEY_Q_keygen(nullptr, nullptr, kind));
  CertificatePtr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(
      subject, "CN", MBSTRING_UTF8,
      reinterpret_cast<const unsigned char*>(name.data()),
      static_cast<int>(name.size()), -1, 0);
  X509_set_issuer_name(certificate.get(),
                       issuer == nullptr
                           ? subject
                           : X509_get_subject_name(issuer->certificate.get()));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 600);
  X509_set_pubkey(certificate.get(), key.get());
  for (const auto& [number, value] : extensions) {
    const ExtensionPtr extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, number, value.c_str()));
    REQUIRE(X509_add_ext(certificate.get(), extension.get(), -1) == 1);
  }
  EVP_PKEY* const by = issuer == nullptr ? key.get() : issuer->key.get();
  REQUIRE(X509_sign(certificate.get(), by,
                    EVP_PKEY_is_a(by, "EC") == 1 ? EVP_sha256() : nullptr) > 0);
  return {std::move(key), std::move(certificate)};
}

// What a certificate with these extensions meets.
std::string ReasonOf(const Extensions& extensions,
                     const Extensions& of_authority = {}) {
  const Made authority = Make("authority", "P-256", of_authority);
  const Made made = Make("first", "P-256", extensions, &authority);
  const auto signer =
      MakeCertificateSigner(made.certificate_pem(), made.key_pem()).value();
  const auto pinned =
      MakeCertificateAuthority({authority.certificate_pem(), Now(), {}})
          .value();
  return std::string(pinned->Identify(signer->credential()).status().message());
}

TEST_CASE("an Ed25519 key signs and verifies") {
  const Made made = Make("ed", "ED25519", {});
  const auto signer =
      MakeCertificateSigner(made.certificate_pem(), made.key_pem());
  REQUIRE(signer.ok());
  const auto own =
      MakeCertificateAuthority({made.certificate_pem(), Now(), {}});
  REQUIRE(own.ok());
  const auto peer = (*own)->Identify((*signer)->credential());
  REQUIRE(peer.ok());
  CHECK((*peer)->name() == "ed");
  CHECK((*peer)->Verify("x", (*signer)->Sign("x").value()).ok());
  CHECK_FALSE((*peer)->Verify("y", (*signer)->Sign("x").value()).ok());
}

TEST_CASE("an authority that may not sign certificates vouches for nobody") {
  CHECK(ReasonOf({}) == "");
  CHECK(ReasonOf({}, {{NID_key_usage, "keyCertSign"}}) == "");
  CHECK(ReasonOf({}, {{NID_key_usage, "digitalSignature"}}) ==
        "a certificate of another authority");
}

TEST_CASE("a certificate that hides its role behind another is refused") {
  const std::pair<int, std::string> trainer = {NID_subject_alt_name,
                                               "URI:" + RoleUri("trainer")};
  const std::pair<int, std::string> staff = {NID_subject_alt_name,
                                             "URI:" + RoleUri("operator")};
  CHECK(ReasonOf({trainer}) == "");
  for (const auto& names :
       {std::vector{trainer, staff}, std::vector{staff, trainer},
        std::vector{trainer, trainer}}) {
    CHECK(ReasonOf(names) == "a certificate of somebody who is no trainer");
  }
  // Not a list of names at all.
  CHECK(ReasonOf({{NID_subject_alt_name, "DER:0500"}}) ==
        "a certificate of somebody who is no trainer");
}

TEST_CASE("an authority of the same name but another key is another") {
  // It says which key signed it, by the key's hash.
  const std::pair<int, std::string> key_id = {NID_authority_key_identifier,
                                              "DER:300680040a0b0c0d"};
  const std::pair<int, std::string> own_id = {NID_subject_key_identifier,
                                              "0A0B0C0D"};
  const std::pair<int, std::string> other_id = {NID_subject_key_identifier,
                                                "0A0B0C0E"};
  CHECK(ReasonOf({key_id}, {own_id}) == "");
  CHECK(ReasonOf({key_id}, {other_id}) == "a certificate of another authority");
  CHECK(ReasonOf({{NID_authority_key_identifier, "DER:0500"}}) ==
        "a certificate of another authority");
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
