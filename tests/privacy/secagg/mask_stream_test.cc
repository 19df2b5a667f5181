// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/mask_stream.h"

#include <cstring>
#include <vector>

#include "rapidcheck.h"
#include "tests/privacy/secagg/known_bytes.h"

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

template <typename Word>
std::vector<Word> Stream(StreamCipher cipher, std::uint8_t key,
                         std::size_t words, std::size_t first = 0) {
  std::vector<Mask> masks;
  masks.push_back({FilledSecret(key), Direction::kAdd});
  std::vector<Word> stream(words);
  ApplyMasks(cipher, masks, first, std::span<Word>(stream));
  return stream;
}

template <typename Word>
std::string BytesOf(const std::vector<Word>& words) {
  std::vector<std::uint8_t> bytes(words.size() * sizeof(Word));
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return ToHex(bytes);
}

TEST_CASE("the AES stream is the encryption of 0, 1, ... under AES-256") {
  // Zero: NIST's AES known-answer test (AESAVS, zero key). One: the tag of test
  // case 13 of the GCM specification, which is E(0, 0^127 1).
  const std::string wanted =
      "dc95c078a2408989ad48a21492842087530f8afbc74536b9a963b4f1c4cb738b";
  CHECK(BytesOf(Stream<std::uint32_t>(StreamCipher::kAes256Ctr, 0, 8)) ==
        wanted);
  CHECK(BytesOf(Stream<std::uint64_t>(StreamCipher::kAes256Ctr, 0, 4)) ==
        wanted);
}

TEST_CASE("the ChaCha20 stream is that of RFC 8439, appendix A.1") {
  // Test vectors 1 and 2: blocks 0 and 1 under a zero key and nonce.
  const auto stream =
      BytesOf(Stream<std::uint32_t>(StreamCipher::kChaCha20, 0, 32));
  CHECK(stream.substr(0, 64) ==
        "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7");
  CHECK(stream.substr(128, 64) ==
        "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed");
}

TEST_CASE("masks of ranges are the ranges of the masks") {
  CHECK(rc::check([] {
    const auto cipher =
        *rc::gen::element(StreamCipher::kAes256Ctr, StreamCipher::kChaCha20);
    const auto words = *rc::gen::inRange<std::size_t>(1, 9000);
    const auto first =
        *rc::gen::inRange<std::size_t>(0, words / kMaskAlignment + 1) *
        kMaskAlignment;
    const auto whole = Stream<std::uint32_t>(cipher, 5, words);
    const auto range = Stream<std::uint32_t>(cipher, 5, words - first, first);
    RC_ASSERT(std::equal(range.begin(), range.end(),
                         whole.begin() + static_cast<std::ptrdiff_t>(first)));
  }));
}

TEST_CASE("streams that are applied in pieces go on where they were") {
  std::vector<Mask> masks;
  for (std::uint8_t key = 1; key < 4; ++key) {
    masks.push_back(
        {FilledSecret(key), key == 2 ? Direction::kSubtract : Direction::kAdd});
  }
  std::vector<std::uint32_t> whole(10'000);
  ApplyMasks(StreamCipher::kAes256Ctr, masks, 0, std::span(whole));
  std::vector<std::uint32_t> pieces(10'000);
  MaskStreams streams(StreamCipher::kAes256Ctr, masks, 0, 4);
  streams.Apply(std::span(pieces).first(4'096));
  streams.Apply(std::span(pieces).subspan(4'096, 16));
  streams.Apply(std::span(pieces).subspan(4'112));
  CHECK(pieces == whole);
}

TEST_CASE("a mask that is added and subtracted is gone") {
  std::vector<Mask> masks;
  for (int i = 0; i < 600; ++i) {  // more than a group
    masks.push_back({FilledSecret(static_cast<std::uint8_t>(i)),
                     i < 300 ? Direction::kAdd : Direction::kSubtract});
  }
  std::vector<std::uint64_t> words(100, 17);
  ApplyMasks(StreamCipher::kChaCha20, masks, 16, std::span(words));
  // Keys are numbers modulo 256: 0 .. 43 were added twice and subtracted once,
  // 44 .. 87 the other way round.
  std::vector<Mask> rest;
  for (int i = 0; i < 88; ++i) {
    rest.push_back({FilledSecret(static_cast<std::uint8_t>(i)),
                    i < 44 ? Direction::kSubtract : Direction::kAdd});
  }
  CHECK(words != std::vector<std::uint64_t>(100, 17));
  ApplyMasks(StreamCipher::kChaCha20, rest, 16, std::span(words));
  CHECK(words == std::vector<std::uint64_t>(100, 17));
}

}  // namespace
}  // namespace tributary::secagg
