// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/packing.h"

#include <algorithm>
#include <span>
#include <vector>

#include "privacy/secagg/modulus.h"
#include "privacy/secagg/packed_reader.h"
#include "rapidcheck.h"

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

template <typename Word>
std::vector<std::byte> Packed(const std::vector<Word>& words, int bits) {
  std::vector<std::byte> packed(PackedSize(words.size(), bits));
  Pack(words, bits, packed);
  return packed;
}

template <typename Word>
std::vector<Word> Unpacked(std::span<const std::byte> packed, std::size_t words,
                           int bits) {
  std::vector<Word> sum(words);
  AddPacked(packed, bits, std::span<Word>(sum));
  return sum;
}

// By hand: 0x155, 0x2AA and 1 as 10 bits each are 0x55 | 0xA9 | 0x1A | 0x00.
TEST_CASE("words of ten bits cross the bytes") {
  const std::vector<std::uint32_t> words = {0x155, 0x2AA, 1};
  const auto packed = Packed(words, 10);
  REQUIRE(packed.size() == 4);
  CHECK(packed[0] == std::byte{0x55});
  CHECK(packed[1] == std::byte{0xA9});
  CHECK(packed[2] == std::byte{0x1A});
  CHECK(packed[3] == std::byte{0x00});
}

TEST_CASE("words of every width come back as they were") {
  CHECK(rc::check([] {
    const int bits = *rc::gen::inRange(1, 65);
    const auto words = *rc::gen::container<std::vector<std::uint64_t>>(
        rc::gen::arbitrary<std::uint64_t>());
    const auto packed = Packed(words, bits);
    RC_ASSERT(IsPacked(packed, words.size(), bits));
    const auto back = Unpacked<std::uint64_t>(packed, words.size(), bits);
    for (std::size_t i = 0; i < words.size(); ++i) {
      RC_ASSERT(back[i] == (words[i] & ~std::uint64_t{0} >> (64 - bits)));
    }
    if (bits > 32) return;
    const std::vector<std::uint32_t> narrow(words.begin(), words.end());
    RC_ASSERT(Packed(narrow, bits) == packed);
    const auto narrow_back =
        Unpacked<std::uint32_t>(packed, words.size(), bits);
    RC_ASSERT(std::vector<std::uint64_t>(narrow_back.begin(),
                                         narrow_back.end()) == back);
  }));
}

TEST_CASE("ranges from a multiple of eight words are packed by themselves") {
  std::vector<std::uint64_t> words;
  for (std::uint64_t i = 0; i < 100; ++i)
    words.push_back(i * 0x9E3779B97F4A7C15);
  for (int bits = 1; bits <= 64; ++bits) {
    const auto whole = Packed(words, bits);
    const std::vector<std::uint64_t> range(words.begin() + 24, words.end());
    const auto piece = Packed(range, bits);
    CHECK(
        std::equal(piece.begin(), piece.end(), whole.begin() + 24 * bits / 8));
  }
}

TEST_CASE("words of every width are unpacked as the integers they stand for") {
  for (int bits = 1; bits <= 64; ++bits) {
    for (const std::size_t count : {0u, 1u, 7u, 8u, 9u, 40u, 81u, 137u}) {
      std::vector<std::uint64_t> words(count);
      std::uint64_t state = count;
      for (std::uint64_t& word : words) {
        word = state = state * 0x5851F42D4C957F2D + 1;
      }
      // In memory of their own exact size: nothing is read beyond it.
      const auto packed = Packed(words, bits);
      std::vector<std::int64_t> integers(count);
      Unpack(packed, bits, integers);
      for (std::size_t i = 0; i < count; ++i) {
        INFO("bits " << bits << ", word " << i << " of " << count);
        REQUIRE(integers[i] == Centred(words[i], bits));
      }
    }
  }
}

TEST_CASE("words read from bytes that are cut anywhere are those packed") {
  CHECK(rc::check([] {
    const int bits = *rc::gen::inRange(1, 65);
    const auto count = *rc::gen::inRange<std::size_t>(0, 5'000);
    std::vector<std::uint64_t> words(count);
    const auto mask = ~std::uint64_t{0} >> (64 - bits);
    std::uint64_t state = *rc::gen::arbitrary<std::uint64_t>();
    for (std::uint64_t& word : words) {
      word = (state = state * 0x5851F42D4C957F2D + 1) >> 7 & mask;
    }
    const auto packed = Packed(words, bits);
    PackedReader reader(count, bits);
    RC_ASSERT(reader.size() == packed.size());
    std::vector<std::int64_t> read;
    for (auto rest = std::span(packed); !rest.empty();) {
      const auto piece = *rc::gen::inRange<std::size_t>(0, 5'000);
      const auto some = rest.first(std::min(piece, rest.size()));
      RC_ASSERT(reader.Feed(some, [&](std::size_t first, auto block) {
        read.insert(read.end(), block.begin(), block.end());
        return first + block.size() == read.size();
      }));
      rest = rest.subspan(some.size());
      RC_ASSERT(reader.left() == rest.size());
    }
    RC_ASSERT(read.size() == count);
    for (std::size_t i = 0; i < count; ++i) {
      RC_ASSERT(read[i] == Centred(words[i], bits));
    }
    RC_ASSERT(!reader.HasStrayBits());
  }));
}

TEST_CASE("a reader sees bits behind the last word, and ends when it is told") {
  auto packed = Packed(std::vector<std::uint64_t>(9, 1), 3);
  packed.back() |= std::byte{0x08};
  PackedReader reader(9, 3);
  int blocks = 0;
  CHECK(reader.Feed(packed, [&](std::size_t, auto) { return ++blocks < 3; }));
  CHECK(reader.HasStrayBits());
  PackedReader ended(9, 3);
  CHECK_FALSE(ended.Feed(packed, [](std::size_t, auto) { return false; }));
}

TEST_CASE("packed words are added, not written") {
  std::vector<std::uint32_t> sum = {1, 2, 0xFFFFFFFF};
  AddPacked(Packed(std::vector<std::uint32_t>{10, 20, 30}, 11), 11,
            std::span(sum));
  CHECK(sum == std::vector<std::uint32_t>{11, 22, 29});
}

TEST_CASE("a wrong size and bits behind the last word are no packing") {
  auto packed = Packed(std::vector<std::uint32_t>{1023, 1023, 1023}, 10);
  CHECK(IsPacked(packed, 3, 10));
  CHECK_FALSE(IsPacked(packed, 2, 10));
  CHECK_FALSE(IsPacked(packed, 4, 10));
  packed.back() |= std::byte{0x40};
  CHECK_FALSE(IsPacked(packed, 3, 10));
}

TEST_CASE("the fewest bits hold the largest sum, weights included") {
  // 1,000 clients of 16 bits: 26 bits and the sign.
  CHECK(WordBits(1'000, 1, 65'535).value() == 27);
  CHECK(WordBits(1, 1, 127).value() == 8);
  CHECK(WordBits(1, 1, 128).value() == 9);
  CHECK(WordBits(128, 1, 1).value() == 9);
  CHECK(WordBits(1 << 10, 1 << 10, 1 << 10).value() == 32);
  CHECK(WordBits(1 << 20, 1 << 20, (1 << 21) - 1).value() == 62);
  CHECK_FALSE(WordBits(1 << 20, 1 << 20, 1 << 21).ok());
  CHECK_FALSE(
      WordBits(~std::uint64_t{0}, ~std::uint64_t{0}, ~std::uint64_t{0}).ok());
}

TEST_CASE("no sum of largest inputs wraps, and one more would") {
  CHECK(rc::check([] {
    const int bits = *rc::gen::inRange(kMinWordBits, kMaxWordBits + 1);
    const auto clients = *rc::gen::inRange<std::uint64_t>(1, 100);
    const std::int64_t most = LargestInput(bits, clients);
    const auto sum = static_cast<std::int64_t>(clients) * most;
    RC_ASSERT(Centred(static_cast<std::uint64_t>(sum), bits) == sum);
    RC_ASSERT(Centred(static_cast<std::uint64_t>(-sum), bits) == -sum);
    const auto more = static_cast<std::int64_t>(clients) * (most + 1);
    RC_ASSERT(Centred(static_cast<std::uint64_t>(more), bits) != more);
  }));
}

}  // namespace
}  // namespace tributary::secagg
