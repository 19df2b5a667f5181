// SPDX-License-Identifier: Apache-2.0
#include "privacy/crypto/digest.h"

#include <string>

#include "privacy/crypto/random.h"

#include "tests/catch.h"

namespace tributary {
namespace {

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST_CASE("SHA-256 gives the examples of FIPS 180-2, appendix B") {
  CHECK(Sha256("abc").Hex() ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
            .Hex() ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(Sha256(std::string(1'000'000, 'a')).Hex() ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK(Sha256("").Hex() ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("a running hash does not depend on how the bytes were cut") {
  KeyedStream random(KeyFromSeed(3));
  std::string text(10'000, '\0');
  for (char& byte : text) byte = static_cast<char>(random.Word());
  const Digest whole = Sha256(text);
  for (int round = 0; round < 20; ++round) {
    Sha256Stream stream;
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::size_t count = 1 + random.Below(rest.size());
      stream.Update(Bytes(rest.substr(0, count)));
      rest.remove_prefix(count);
    }
    Sha256Stream moved = std::move(stream);
    CHECK(moved.Finish() == whole);
  }
}

TEST_CASE("a digest reads back from hex and from raw bytes") {
  const Digest digest = Sha256("abc");
  CHECK(Digest::FromHex(digest.Hex()).value() == digest);
  CHECK(Digest::FromBytes(digest.AsBytes()).value() == digest);
}

TEST_CASE("what is no digest is refused") {
  const std::string hex = Sha256("abc").Hex();
  CHECK(Digest::FromHex(hex.substr(1)).status().message() ==
        "a SHA-256 has 64 hex digits, not 63 characters");
  std::string upper = hex;
  upper[5] = 'F';
  CHECK(Digest::FromHex(upper).status().message() ==
        "a SHA-256 has lower-case hex digits only; see position 5");
  CHECK(Digest::FromBytes("short").status().message() ==
        "a SHA-256 has 32 bytes, not 5");
}

}  // namespace
}  // namespace tributary
