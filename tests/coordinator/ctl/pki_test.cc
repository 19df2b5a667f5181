// SPDX-License-Identifier: Apache-2.0
// The authority, judged by OpenSSL's own verification.
#include <openssl/x509_vfy.h>
#include <sys/stat.h>

#include <cctype>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "privacy/crypto/openssl_objects.h"
#include "tests/coordinator/ctl/command_line.h"
#include "tests/proto/files.h"
// Last.
#include "tests/catch.h"

namespace tributary::ctl {
namespace {

using StorePtr = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using CheckPtr = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;

BioPtr Open(const std::string& file) {
  return BioPtr(BIO_new_file(file.c_str(), "r"));
}
CertificatePtr Certificate(const std::string& file) {
  return CertificatePtr(
      PEM_read_bio_X509(Open(file).get(), nullptr, nullptr, nullptr));
}
CrlPtr Crl(const std::string& file) {
  return CrlPtr(
      PEM_read_bio_X509_CRL(Open(file).get(), nullptr, nullptr, nullptr));
}

// The alternative names, as "URI:..." and so on, sorted as they stand.
std::vector<std::string> Names(X509* certificate) {
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> texts;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get());
       ++i) {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    GENERAL_NAME_print(bio.get(), sk_GENERAL_NAME_value(names.get(), i));
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    texts.emplace_back(data, static_cast<std::size_t>(size));
  }
  return texts;
}

struct PkiFixture {
  TemporaryFolder folder;
  const std::string pki = (folder.path() / "pki").string();

  PkiFixture() { REQUIRE(Ctl({"pki", "init", pki}).exit == 0); }

  std::string Path(const std::string& name) const {
    return (folder.path() / name).string();
  }
  void Request(const std::string& name,
               const std::vector<std::string>& more = {}) {
    std::vector<std::string> line = {"pki", "request", name, "--out",
                                     folder.path().string()};
    line.insert(line.end(), more.begin(), more.end());
    const Ended ended = Ctl(line);
    INFO(ended.err);
    REQUIRE(ended.exit == 0);
  }
  Ended Sign(const std::string& name, const std::string& role,
             const std::vector<std::string>& more = {}) {
    std::vector<std::string> line = {
        "--json", "pki", "sign",   Path(name + ".csr"),
        "--pki",  pki,   "--role", role};
    line.insert(line.end(), more.begin(), more.end());
    return Ctl(line);
  }
  Ended Revoke(const std::string& target) {
    return Ctl({"--json", "pki", "revoke", target, "--pki", pki});
  }
  // OpenSSL's verdict: X509_V_OK or its error.
  int Verify(const std::string& name, int purpose, unsigned long flags = 0) {
    const StorePtr store(X509_STORE_new());
    X509_STORE_add_cert(store.get(), Certificate(pki + "/ca.pem").get());
    X509_STORE_add_crl(store.get(), Crl(pki + "/crl.pem").get());
    const auto certificate = Certificate(Path(name + ".pem"));
    const CheckPtr check(X509_STORE_CTX_new());
    X509_STORE_CTX_init(check.get(), store.get(), certificate.get(), nullptr);
    X509_STORE_CTX_set_purpose(check.get(), purpose);
    X509_STORE_CTX_set_flags(check.get(), flags | X509_V_FLAG_X509_STRICT);
    X509_verify_cert(check.get());
    return X509_STORE_CTX_get_error(check.get());
  }
};

mode_t ModeOf(const std::string& file) {
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

TEST_CASE_METHOD(PkiFixture, "an authority keeps its key to itself") {
  CHECK(ModeOf(pki + "/ca.key") == 0600);
  const auto ca = Certificate(pki + "/ca.pem");
  REQUIRE(ca != nullptr);
  CHECK(X509_check_ca(ca.get()) == 1);
  int days = 0;
  int seconds = 0;
  ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(ca.get()));
  CHECK(days >= 3'649);
  CHECK(sk_X509_REVOKED_num(
            X509_CRL_get_REVOKED(Crl(pki + "/crl.pem").get())) <= 0);
}

TEST_CASE_METHOD(PkiFixture, "an authority is never replaced") {
  const std::string key = BytesOf(pki + "/ca.key");
  const Ended again = Ctl({"pki", "init", pki});
  CHECK(again.exit == 1);
  CHECK(again.Says("an authority is there already"));
  CHECK(BytesOf(pki + "/ca.key") == key);
}

TEST_CASE_METHOD(PkiFixture,
                 "an authority that could not be written can be made again") {
  const std::string other = Path("other");
  // No file takes a folder's place.
  std::filesystem::create_directories(other + "/ca.pem");
  CHECK(Ctl({"pki", "init", other}).exit == 1);
  std::filesystem::remove(other + "/ca.pem");
  CHECK(Ctl({"pki", "init", other}).exit == 0);
}

TEST_CASE_METHOD(PkiFixture,
                 "a client's key is made secret and never replaced") {
  Request("gateway-1");
  CHECK(ModeOf(Path("gateway-1.key")) == 0600);
  const std::string key = BytesOf(Path("gateway-1.key"));
  CHECK(Ctl({"pki", "request", "gateway-1", "--out", folder.path().string()})
            .Says("is there already"));
  CHECK(BytesOf(Path("gateway-1.key")) == key);
}

TEST_CASE_METHOD(PkiFixture, "a trainer's certificate is a client's only") {
  Request("gateway-1");
  const Ended signed_ = Sign("gateway-1", "trainer",
                             {"--population", "north", "--population", "all"});
  INFO(signed_.err);
  REQUIRE(signed_.exit == 0);
  CHECK(Verify("gateway-1", X509_PURPOSE_SSL_CLIENT) == X509_V_OK);
  CHECK(Verify("gateway-1", X509_PURPOSE_SSL_SERVER) ==
        X509_V_ERR_INVALID_PURPOSE);
  const auto certificate = Certificate(Path("gateway-1.pem"));
  CHECK(Names(certificate.get()) ==
        std::vector<std::string>{"URI:urn:tributary:role:trainer",
                                 "URI:urn:tributary:population:north",
                                 "URI:urn:tributary:population:all"});
  CHECK(X509_check_ca(certificate.get()) == 0);
  const NumberPtr serial(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate.get()), nullptr));
  CHECK(BN_num_bytes(serial.get()) == 16);
  char* text = BN_bn2hex(serial.get());
  CHECK(signed_.Json().at("serial") == std::string(text));
  OPENSSL_free(text);
  int days = 0;
  int seconds = 0;
  ASN1_TIME_diff(&days, &seconds, nullptr,
                 X509_get0_notAfter(certificate.get()));
  CHECK((days == 364 || days == 365));
}

TEST_CASE_METHOD(PkiFixture,
                 "a coordinator serves under the names it asked for") {
  Request("coordinator", {"--san", "localhost", "--san", "hub.example", "--ip",
                          "127.0.0.1", "--ip", "::1"});
  REQUIRE(Sign("coordinator", "coordinator", {"--days", "30"}).exit == 0);
  CHECK(Verify("coordinator", X509_PURPOSE_SSL_SERVER) == X509_V_OK);
  CHECK(Verify("coordinator", X509_PURPOSE_SSL_CLIENT) == X509_V_OK);
  const auto certificate = Certificate(Path("coordinator.pem"));
  CHECK(X509_check_host(certificate.get(), "hub.example", 0, 0, nullptr) == 1);
  CHECK(X509_check_host(certificate.get(), "other", 0, 0, nullptr) == 0);
  CHECK(X509_check_ip_asc(certificate.get(), "127.0.0.1", 0) == 1);
  CHECK(X509_check_ip_asc(certificate.get(), "::1", 0) == 1);
}

TEST_CASE_METHOD(PkiFixture,
                 "what was signed says which populations it is for") {
  Request("pump");
  const Ended ended =
      Ctl({"pki", "sign", Path("pump.csr"), "--pki", pki, "--role", "trainer",
           "--population", "north", "--population", "south"});
  INFO(ended.out);
  CHECK(ended.out.find("pump, trainer of north, south, until ") !=
        std::string::npos);
  Request("any");
  CHECK(Sign("any", "trainer").Json().at("populations").empty());
}

TEST_CASE_METHOD(PkiFixture, "names that no host or client has are shown") {
  for (const char* name : {"a,b", "a b", "localhost:8470", "", "*."}) {
    const Ended ended = Ctl({"pki", "request", "coordinator", "--out",
                             folder.path().string(), "--san", name});
    INFO(ended.err);
    CHECK(ended.exit == 1);
    CHECK(ended.Says("\"" + std::string(name) + "\" is no host name"));
  }
  Request("wild", {"--san", "*.example.org"});
  const Ended ended =
      Ctl({"pki", "request", "a/b", "--out", folder.path().string()});
  CHECK(ended.exit == 1);
  CHECK(ended.Says("\"a/b\" is no name"));
}

TEST_CASE("an unknown command is named") {
  const Ended top = Ctl({"frob"});
  CHECK(top.exit == 2);
  CHECK(top.Says("frob"));
  const Ended below = Ctl({"run", "frob"});
  CHECK(below.exit == 2);
  CHECK(below.Says("frob"));
}

TEST_CASE_METHOD(PkiFixture, "a request cannot give itself a role") {
  Request("sly", {"--san", "good.example"});
  // A URI in the request, as a client with its own tools could write it.
  const KeyPtr key(EVP_EC_gen("P-256"));
  const RequestPtr request(X509_REQ_new());
  X509_NAME_add_entry_by_txt(
      X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>("sly"), -1, -1, 0);
  X509_REQ_set_pubkey(request.get(), key.get());
  const ExtensionPtr extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name,
                          "DNS:good.example,URI:urn:tributary:role:operator"));
  REQUIRE(extension != nullptr);
  STACK_OF(X509_EXTENSION)* list = sk_X509_EXTENSION_new_null();
  sk_X509_EXTENSION_push(list, extension.get());
  X509_REQ_add_extensions(request.get(), list);
  sk_X509_EXTENSION_free(list);
  X509_REQ_sign(request.get(), key.get(), EVP_sha256());
  const BioPtr file(BIO_new_file(Path("sly.csr").c_str(), "w"));
  PEM_write_bio_X509_REQ(file.get(), request.get());
  BIO_flush(file.get());

  REQUIRE(Sign("sly", "trainer").exit == 0);
  CHECK(Names(Certificate(Path("sly.pem")).get()) ==
        std::vector<std::string>{"DNS:good.example",
                                 "URI:urn:tributary:role:trainer"});
}

TEST_CASE_METHOD(PkiFixture, "a name is given once, unless it is rotated") {
  Request("gateway-1");
  REQUIRE(Sign("gateway-1", "trainer").exit == 0);
  const Ended again = Sign("gateway-1", "trainer");
  CHECK(again.exit == 1);
  CHECK(again.Says("--replace"));
  REQUIRE(Sign("gateway-1", "trainer", {"--replace"}).exit == 0);
  // By name, both go.
  CHECK(Revoke("gateway-1").Json().at("revoked").size() == 2);
  // A revoked name is free.
  CHECK(Sign("gateway-1", "trainer").exit == 0);
}

TEST_CASE_METHOD(PkiFixture, "revoked is what file, name or serial say") {
  std::vector<std::string> serials;
  for (const char* name : {"a", "b", "c", "d"}) {
    Request(name);
    serials.push_back(Sign(name, "trainer").Json().at("serial"));
  }
  CHECK(Revoke(Path("a.pem")).Json().at("revoked")[0].at("name") == "a");
  CHECK(Revoke("b").Json().at("revoked")[0].at("serial") == serials[1]);
  std::string lower = serials[2];
  for (char& c : lower) c = static_cast<char>(std::tolower(c));
  CHECK(Revoke(lower).exit == 0);
  CHECK(Revoke("b").Json().at("revoked").empty());

  const unsigned long check = X509_V_FLAG_CRL_CHECK;
  for (const char* name : {"a", "b", "c"}) {
    CHECK(Verify(name, X509_PURPOSE_SSL_CLIENT, check) ==
          X509_V_ERR_CERT_REVOKED);
  }
  CHECK(Verify("d", X509_PURPOSE_SSL_CLIENT, check) == X509_V_OK);

  const auto crl = Crl(pki + "/crl.pem");
  const auto* revoked = X509_CRL_get_REVOKED(crl.get());
  REQUIRE(sk_X509_REVOKED_num(revoked) == 3);
  for (int i = 1; i < 3; ++i) {
    CHECK(ASN1_INTEGER_cmp(X509_REVOKED_get0_serialNumber(
                               sk_X509_REVOKED_value(revoked, i - 1)),
                           X509_REVOKED_get0_serialNumber(
                               sk_X509_REVOKED_value(revoked, i))) < 0);
  }
  const auto ca = Certificate(pki + "/ca.pem");
  CHECK(X509_CRL_verify(crl.get(), X509_get0_pubkey(ca.get())) == 1);
}

TEST_CASE_METHOD(PkiFixture, "what is not ours cannot be revoked") {
  CHECK(Revoke("nobody").Says("is no file, name or serial"));
  const std::string other = Path("other");
  REQUIRE(Ctl({"pki", "init", other}).exit == 0);
  Request("foreign");
  REQUIRE(Ctl({"pki", "sign", Path("foreign.csr"), "--pki", other, "--role",
               "trainer"})
              .exit == 0);
  CHECK(Revoke(Path("foreign.pem")).Says("not of this authority"));
  CHECK(Verify("foreign", X509_PURPOSE_SSL_CLIENT) != X509_V_OK);
}

TEST_CASE_METHOD(PkiFixture, "bad names, requests and folders say what to do") {
  const std::string out = folder.path().string();
  CHECK(Ctl({"pki", "request", "../up", "--out", out}).Says("letters, digits"));
  CHECK(Ctl({"pki", "request", "x", "--out", out, "--ip", "here"})
            .Says("no IP address"));
  CHECK(Sign("nobody", "trainer").Says("no such file"));
  folder.Write("junk.csr", "junk");
  CHECK(Sign("junk", "trainer").Says("no PEM certificate request"));
  Request("cut");
  std::string bytes = BytesOf(Path("cut.csr"));
  bytes[bytes.size() / 2] = bytes[bytes.size() / 2] == 'A' ? 'B' : 'A';
  folder.Write("cut.csr", bytes);
  CHECK(Sign("cut", "trainer").exit == 1);
  CHECK(Ctl({"pki", "sign", Path("cut.csr"), "--pki", Path("none"), "--role",
             "trainer"})
            .Says("pki init"));
  CHECK(Sign("cut", "king").exit == 2);
  CHECK(Sign("cut", "trainer", {"--population", "a b"}).exit == 1);
}

}  // namespace
}  // namespace tributary::ctl
