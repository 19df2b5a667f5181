// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/key_agreement.h"

#include "tests/privacy/secagg/known_bytes.h"

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

PublicKey KeyFromHex(std::string_view hex) {
  PublicKey key;
  const auto bytes = FromHex(hex);
  std::copy_n(bytes.begin(), key.size(), key.begin());
  return key;
}

TEST_CASE("X25519 gives the answers of RFC 7748, section 6.1") {
  const KeyPair bob = KeyPair::FromSecret(SecretFromHex(
      "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  CHECK(ToHex(bob.public_key()) ==
        "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  const PeerKey alice(KeyFromHex(
      "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
  const auto shared = bob.Agree(alice);
  REQUIRE(shared.ok());
  CHECK(ToHex(shared->bytes()) ==
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

TEST_CASE("HKDF gives the answer of RFC 5869, appendix A.1") {
  const std::vector<std::uint8_t> secret(22, 0x0b);
  const auto salt = FromHex("000102030405060708090a0b0c");
  const auto info = FromHex("f0f1f2f3f4f5f6f7f8f9");
  const Secret key = DeriveSecret(
      secret, salt, {reinterpret_cast<const char*>(info.data()), info.size()});
  CHECK(ToHex(key.bytes()) ==
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
}

TEST_CASE("both sides agree, and a pair comes back from its secret") {
  const KeyPair one = KeyPair::Generate();
  const KeyPair other = KeyPair::Generate();
  CHECK(one.public_key() != other.public_key());
  const auto left = one.Agree(PeerKey(other.public_key()));
  const auto right = other.Agree(PeerKey(one.public_key()));
  REQUIRE(left.ok());
  REQUIRE(right.ok());
  CHECK(*left == *right);
  CHECK_FALSE(*left == one.secret());
  CHECK(KeyPair::FromSecret(one.secret()).public_key() == one.public_key());
}

// The points whose order divides 8 (Bernstein, "Curve25519", 2006; the list of
// cr.yp.to/ecdh.html), and one of them with the unused top bit set.
TEST_CASE("keys of low order are refused") {
  for (const char* key :
       {"0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000080"}) {
    INFO(key);
    CHECK(KeyPair::Generate().Agree(PeerKey(KeyFromHex(key))).status().code() ==
          absl::StatusCode::kInvalidArgument);
  }
}

TEST_CASE("a secret is gone where it was moved from or assigned over") {
  Secret first = FilledSecret(7);
  const std::uint8_t* const memory = first.bytes().data();
  const Secret second = std::move(first);
  CHECK(std::all_of(memory, memory + Secret::kSize,
                    [](std::uint8_t byte) { return byte == 0; }));
  CHECK(second == FilledSecret(7));
  CHECK_FALSE(second == FilledSecret(8));
}

}  // namespace
}  // namespace tributary::secagg
