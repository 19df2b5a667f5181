// SPDX-License-Identifier: Apache-2.0
#include "privacy/crypto/random.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "privacy/crypto/digest.h"

#include "tests/catch.h"

namespace tributary {
namespace {

std::string Hex(const Key& key) { return Digest{key}.Hex(); }

Key FromHex(std::string_view hex) { return Digest::FromHex(hex).value().bytes; }

std::vector<std::uint8_t> Take(RandomSource& source, std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  source.Fill(bytes);
  return bytes;
}

// AES-256 of one big-endian counter, by the block cipher itself.
std::array<std::uint8_t, 16> EncryptCounter(const Key& key,
                                            std::uint32_t counter) {
  std::array<std::uint8_t, 16> block{};
  for (int i = 0; i < 4; ++i) {
    block[15 - i] = static_cast<std::uint8_t>(counter >> 8 * i);
  }
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(context, EVP_aes_256_ecb(), nullptr, key.data(), nullptr);
  EVP_CIPHER_CTX_set_padding(context, 0);
  int written = 0;
  EVP_EncryptUpdate(context, block.data(), &written, block.data(), 16);
  EVP_CIPHER_CTX_free(context);
  return block;
}

// Sum over the bins of (observed - expected)^2 / expected.
double ChiSquare(const std::vector<int>& observed, double expected) {
  double sum = 0;
  for (const int count : observed) {
    sum += (count - expected) * (count - expected) / expected;
  }
  return sum;
}

TEST_CASE("a keyed stream begins with NIST's AES-256 answer for a zero block") {
  // AESAVS, appendix C (KeySbox, 256 bits), first vector: the first block of a
  // counter stream over zeros is the encryption of the zero block.
  KeyedStream stream(FromHex(
      "c47b0294dbbbee0fec4757f22ffeee3587ca4730c3d33b691df38bab076bc558"));
  const std::vector<std::uint8_t> expected = {
      0x46, 0xf2, 0xfb, 0x34, 0x2d, 0x6f, 0x0a, 0xb4,
      0x77, 0x47, 0x6f, 0xc5, 0x01, 0x24, 0x2c, 0x5f};
  CHECK(Take(stream, 16) == expected);
}

TEST_CASE("a keyed stream goes on with the encryptions of 1, 2, 3, ...") {
  // SP 800-38A, section 6.5: CTR mode with a big-endian counter from 0.
  const Key key = KeyFromSeed(5);
  KeyedStream stream(key);
  const std::vector<std::uint8_t> bytes = Take(stream, 16 * 1'000);
  bool is_same = true;
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    is_same &= std::ranges::equal(std::span(bytes).subspan(16 * i, 16),
                                  EncryptCounter(key, i));
  }
  CHECK(is_same);
}

TEST_CASE("a keyed stream does not depend on how it is drawn from") {
  const Key key = KeyFromSeed(7);
  KeyedStream whole(key);
  const std::vector<std::uint8_t> expected = Take(whole, 100'000);
  KeyedStream cuts(KeyFromSeed(8));
  for (const std::uint64_t longest : {3u, 100u, 5'000u, 50'000u}) {
    KeyedStream stream(key);
    std::vector<std::uint8_t> bytes;
    while (bytes.size() < expected.size()) {
      const std::uint64_t left = expected.size() - bytes.size();
      const auto part =
          Take(stream, std::min<std::uint64_t>(left, cuts.Below(longest + 1)));
      bytes.insert(bytes.end(), part.begin(), part.end());
    }
    CHECK(bytes == expected);
  }
}

TEST_CASE("a buffered source gives the bytes of its source, in order") {
  const Key key = KeyFromSeed(9);
  KeyedStream direct(key);
  const std::vector<std::uint8_t> expected = Take(direct, 100'000);
  KeyedStream source(key);
  BufferedRandom buffered(source);
  KeyedStream cuts(KeyFromSeed(10));
  std::vector<std::uint8_t> bytes;
  while (bytes.size() < expected.size()) {
    const std::uint64_t left = expected.size() - bytes.size();
    const auto part =
        Take(buffered, std::min<std::uint64_t>(left, cuts.Below(9'000)));
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  CHECK(bytes == expected);
}

TEST_CASE("a derived key is the HMAC-SHA-256 of its label") {
  // RFC 4868, section 2.7.2.1, test case AUTH256-1 for a 256-bit key.
  Key key;
  key.fill(0x0b);
  CHECK(Hex(DeriveKey(key, "Hi There")) ==
        "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7");
  KeyedStream derived(key, "Hi There");
  KeyedStream direct(DeriveKey(key, "Hi There"));
  CHECK(Take(derived, 64) == Take(direct, 64));
}

TEST_CASE("the key of a seed is the SHA-256 of its decimal name") {
  // printf tributary/seed/42 | sha256sum
  CHECK(Hex(KeyFromSeed(42)) ==
        "f9a9cfa5ef8d94e2b5e84436d5859fae0357e43e923cda155fe133b192f7cd29");
}

TEST_CASE("words are little-endian and uniforms lie in [0, 1)") {
  class Fixed final : public RandomSource {
   public:
    explicit Fixed(std::uint8_t byte) : byte_(byte) {}
    void Fill(std::span<std::uint8_t> out) override {
      std::ranges::fill(out, std::uint8_t{0});
      out.front() = 1;
      out.back() = byte_;
    }

   private:
    std::uint8_t byte_;
  };
  CHECK(Fixed(2).Word() == 0x0200000000000001u);
  CHECK(Fixed(0x80).Uniform() == 0.5);
  CHECK(Fixed(0xff).Uniform() < 1);
  CHECK(Fixed(0).Uniform() == 0);
}

// The tests below show that the bins named are equally likely, not that draws
// are independent. With a fixed seed the false-alarm rate is the chance that a
// perfect source had failed with it: 1e-6 a statistic.

TEST_CASE("Below has no bias where multiplication alone would be far off") {
  // Lemire 2019, "Fast random integer generation in an interval". With the
  // bound 3 * 2^62 the high product alone takes values = 0 mod 3 half the time.
  // n = 30,000, seed 1, 2 degrees of freedom, threshold 27.63.
  KeyedStream random(KeyFromSeed(1));
  const std::uint64_t bound = std::uint64_t{3} << 62;
  std::vector<int> remainders(3);
  std::vector<int> thirds(3);
  for (int i = 0; i < 30'000; ++i) {
    const std::uint64_t value = random.Below(bound);
    REQUIRE(value < bound);
    ++remainders[value % 3];
    ++thirds[value >> 62];
  }
  CHECK(ChiSquare(remainders, 10'000) < 27.63);
  CHECK(ChiSquare(thirds, 10'000) < 27.63);
}

TEST_CASE("Below gives each of a few values equally often") {
  // n = 70,000, seed 2, 6 degrees of freedom, threshold 38.26.
  KeyedStream random(KeyFromSeed(2));
  std::vector<int> counts(7);
  for (int i = 0; i < 70'000; ++i) ++counts[random.Below(7)];
  CHECK(ChiSquare(counts, 10'000) < 38.26);
  CHECK(random.Below(1) == 0);
}

TEST_CASE("the system's generator gives each value equally often") {
  // n = 170,000, no seed: every run draws anew and one in a million fails by
  // chance. 16 degrees of freedom, threshold 58.33.
  SystemRandom random;
  std::vector<int> counts(17);
  for (int i = 0; i < 170'000; ++i) ++counts[random.Below(17)];
  CHECK(ChiSquare(counts, 10'000) < 58.33);
}

}  // namespace
}  // namespace tributary
