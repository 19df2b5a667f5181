// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/certificate.h"

#include "tests/coordinator/server/certificates.h"

#include "tests/catch.h"

using namespace tributary;
using namespace tributary::coordinator;
using namespace tributary::testing;

TEST_CASE("a certificate says name, role, populations and serial") {
  const Authority authority("authority");
  const IssuedCertificate issued = authority.Issue(
      "pump 17", {RoleUri("evaluator"), PopulationUri("pumps"),
                  PopulationUri("valves"), "https://example.org"});
  const auto read = ReadCertificate(issued.certificate);
  REQUIRE(read.ok());
  CHECK(read->identity.name == "pump 17");
  CHECK(read->identity.role == v1::EVALUATOR);
  CHECK(read->identity.serial == issued.serial);
  CHECK(read->populations == std::vector<std::string>{"pumps", "valves"});
}

TEST_CASE("a certificate can be an aggregator's") {
  const auto read =
      ReadCertificate(Authority("authority")
                          .Issue("edge-1", {RoleUri("aggregator")})
                          .certificate);
  REQUIRE(read.ok());
  CHECK(read->identity.role == v1::AGGREGATOR);
}

TEST_CASE("without a role a certificate is a trainer's, for any population") {
  const auto read =
      ReadCertificate(Authority("authority").Issue("pump", {}).certificate);
  REQUIRE(read.ok());
  CHECK(read->identity.role == v1::TRAINER);
  CHECK(read->populations.empty());
}

TEST_CASE("a certificate that names nobody a client can be is refused") {
  const Authority authority("authority");
  const auto refused = [&](const std::string& name,
                           const std::vector<std::string>& uris) {
    return !ReadCertificate(authority.Issue(name, uris).certificate).ok();
  };
  CHECK(refused("pump", {RoleUri("coordinator")}));
  CHECK(refused("pump", {RoleUri("king")}));
  CHECK(refused("pump", {RoleUri("trainer"), RoleUri("operator")}));
  CHECK(refused("two\nlines", {}));
  CHECK(!ReadCertificate("").ok());
  CHECK(!ReadCertificate("-----BEGIN CERTIFICATE-----\nAAAA\n"
                         "-----END CERTIFICATE-----\n")
             .ok());
}

TEST_CASE("a revocation list must be signed by the authority") {
  const Authority authority("authority");
  const Authority stranger("stranger");
  const std::string list = authority.Revoke({"0A1B", "7F"});
  const auto read = ReadRevocationList(list, authority.certificate());
  REQUIRE(read.ok());
  CHECK(*read == std::vector<std::string>{"7F", "0A1B"});
  // A bundle of authorities, as in a change from one to the next.
  CHECK(
      ReadRevocationList(list, stranger.certificate() + authority.certificate())
          .ok());
  CHECK(!ReadRevocationList(list, stranger.certificate()).ok());
  CHECK(!ReadRevocationList("", authority.certificate()).ok());
  CHECK(!ReadRevocationList(list.substr(0, list.size() / 2),
                            authority.certificate())
             .ok());
}

TEST_CASE("a certificate is of the authority that signed it") {
  const Authority authority("authority");
  const Authority other("other");
  const IssuedCertificate mine = authority.Issue("coordinator", {});
  CHECK(IsIssuedBy(mine.certificate, authority.certificate()));
  CHECK(IsIssuedBy(mine.certificate,
                   other.certificate() + authority.certificate()));
  CHECK_FALSE(IsIssuedBy(mine.certificate, other.certificate()));
  // What follows is no authority, whatever it signed.
  CHECK_FALSE(IsIssuedBy(mine.certificate + authority.certificate(),
                         other.certificate()));
  CHECK_FALSE(IsIssuedBy(mine.certificate, ""));
  CHECK_FALSE(IsIssuedBy("", authority.certificate()));
}

TEST_CASE("a key belongs to one certificate") {
  const Authority authority("authority");
  const IssuedCertificate mine = authority.Issue("mine", {});
  const IssuedCertificate other = authority.Issue("other", {});
  CHECK(CheckKeyMatches(mine.certificate, mine.key).ok());
  CHECK(CheckKeyMatches(mine.certificate, other.key).message() ==
        "is not the key of the certificate");
}
