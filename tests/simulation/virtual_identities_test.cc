// SPDX-License-Identifier: Apache-2.0
#include "simulation/virtual_identities.h"

#include <string>

#include "absl/status/status.h"
#include "privacy/crypto/digest.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

TEST_CASE("a virtual client's signature is its own, under its own name") {
  VirtualIdentities identities;
  secagg::Signer& one = identities.SignerOf("client-0001");
  secagg::Signer& two = identities.SignerOf("client-0002");
  const auto peer = identities.Identify(one.credential());
  REQUIRE(peer.ok());
  CHECK((*peer)->name() == "client-0001");
  const std::string signature = one.Sign("statement").value();
  CHECK((*peer)->Verify("statement", signature).ok());
  CHECK(absl::IsUnauthenticated((*peer)->Verify("another", signature)));
  CHECK(absl::IsUnauthenticated(
      (*peer)->Verify("statement", two.Sign("statement").value())));
  CHECK(absl::IsUnauthenticated((*peer)->Verify("statement", "")));
}

TEST_CASE("a virtual client is enrolled once") {
  VirtualIdentities identities;
  const std::string before = identities.SignerOf("client-0001").credential();
  identities.SignerOf("client-0000");
  CHECK(identities.SignerOf("client-0001").credential() == before);
}

TEST_CASE("nobody is known by a key that another client enrolled") {
  VirtualIdentities identities;
  const std::string one = identities.SignerOf("client-0001").credential();
  const std::string two = identities.SignerOf("client-0002").credential();
  const std::string crossed = one.substr(0, 32) + two.substr(32);
  CHECK(absl::IsUnauthenticated(identities.Identify(crossed).status()));
  CHECK(absl::IsUnauthenticated(identities.Identify("").status()));
  CHECK(absl::IsUnauthenticated(VirtualIdentities().Identify(one).status()));
}

TEST_CASE("a virtual client remembers which sessions it answered") {
  VirtualIdentities identities;
  const Digest session = Sha256("a session");
  CHECK(identities.AnsweredBy("client-0001").Remember(session).ok());
  CHECK(absl::IsAlreadyExists(
      identities.AnsweredBy("client-0001").Remember(session)));
  CHECK(identities.AnsweredBy("client-0002").Remember(session).ok());
}

}  // namespace
}  // namespace tributary::simulation
