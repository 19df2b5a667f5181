// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <string>

#include "aggregation/encoding.h"
#include "tests/aggregation/decoding.h"
#include "tests/aggregation/vectors.h"

#include "tests/catch.h"

namespace tributary::aggregation {
namespace {

constexpr Encoding kEncodings[] = {Encoding::kFloat32, Encoding::kBfloat16,
                                   Encoding::kInt8, Encoding::kTopK};

using Bytes = std::vector<std::byte>;

template <typename... Values>
Bytes Pack(Values... values) {
  Bytes bytes;
  const auto append = [&](auto value) {
    const auto raw = std::as_bytes(std::span(&value, 1));
    bytes.insert(bytes.end(), raw.begin(), raw.end());
  };
  (append(values), ...);
  return bytes;
}

std::string ErrorOf(Encoding encoding, std::size_t length, const Bytes& bytes) {
  return std::string(DecodeWhole(encoding, length, bytes).status().message());
}

TEST_CASE("bytes cut anywhere decode to the same values") {
  KeyedStream random(KeyFromSeed(31));
  for (const Encoding encoding : kEncodings) {
    for (const std::size_t length : {1u, 7u, 1'024u, 3'000u, 140'000u}) {
      const auto values = UniformVector(random, length, 1);
      const Bytes bytes =
          Encode({encoding, 0.05}, values, [&] { return random.Word(); });
      const auto whole = DecodeWhole(encoding, length, bytes);
      REQUIRE(whole.ok());
      for (const std::size_t longest : {1u, 5u, 1'500u, 300'000u}) {
        if (longest == 1 && length > 3'000) continue;
        const auto pieces =
            DecodeInPieces(encoding, length, bytes, longest, random);
        REQUIRE(pieces.ok());
        REQUIRE(HasSameBits(*pieces, *whole));
      }
    }
  }
}

TEST_CASE("aligned float32 bytes are passed on without a copy") {
  std::vector<float> values(100'000, 1.5f);
  const auto bytes = std::as_bytes(std::span(values));
  UpdateDecoder decoder(Encoding::kFloat32, values.size());
  const float* expected = values.data();
  const auto status =
      decoder.Feed(bytes, [&](std::size_t, std::span<const float> block) {
        CHECK(block.data() == expected);
        expected += block.size();
        return absl::OkStatus();
      });
  CHECK(status.ok());
  CHECK(decoder.Finish().ok());
  CHECK(expected == values.data() + values.size());
}

TEST_CASE("an update that is cut is refused at the end, one too long at once") {
  KeyedStream random(KeyFromSeed(32));
  for (const Encoding encoding : kEncodings) {
    const auto values = UniformVector(random, 2'000, 1);
    Bytes bytes = Encode({encoding, 1}, values, [&] { return random.Word(); });
    const Bytes whole = bytes;
    bytes.pop_back();
    CHECK(ErrorOf(encoding, 2'000, bytes).find("the update ends after ") !=
          std::string::npos);
    bytes = whole;
    bytes.push_back(std::byte{0});
    CHECK(ErrorOf(encoding, 2'000, bytes).find("more than the ") !=
          std::string::npos);
  }
}

TEST_CASE("bytes after a short top-k update are refused") {
  const Bytes update = Pack(std::uint32_t{1}, std::uint16_t{2}, 1.0f);
  CHECK(DecodeWhole(Encoding::kTopK, 10, update).value()[2] == 1);
  Bytes longer = update;
  longer.push_back(std::byte{0});
  CHECK(ErrorOf(Encoding::kTopK, 10, longer) ==
        "top-k update, byte 10: more bytes than its counts announced");
}

TEST_CASE("what an encoding does not allow is refused at its byte") {
  CHECK(ErrorOf(Encoding::kTopK, 10, Pack(std::uint32_t{11})) ==
        "top-k update, byte 4: a count of 11 in a block of 10 coordinates");
  CHECK(ErrorOf(Encoding::kTopK, 10,
                Pack(std::uint32_t{1}, std::uint16_t{10}, 1.0f)) ==
        "top-k update, byte 10: index 10 is not in 0 .. 9");
  CHECK(ErrorOf(Encoding::kTopK, 10,
                Pack(std::uint32_t{2}, std::uint16_t{4}, 1.0f, std::uint16_t{4},
                     1.0f)) ==
        "top-k update, byte 16: index 4 is not in 5 .. 9");
  const std::string scale =
      "int8 update, byte 5: the scale of the block that ends here is negative "
      "or not finite";
  CHECK(ErrorOf(Encoding::kInt8, 1, Pack(-1.0f, std::int8_t{1})) == scale);
  CHECK(ErrorOf(Encoding::kInt8, 1, Pack(std::nanf(""), std::int8_t{1})) ==
        scale);
  CHECK(ErrorOf(Encoding::kInt8, 1, Pack(HUGE_VALF, std::int8_t{1})) == scale);
  CHECK(ErrorOf(Encoding::kInt8, 1, Pack(1.0f, std::int8_t{-128})) ==
        "int8 update, byte 5: the block that ends here holds -128");
}

TEST_CASE("an error of the sink, like any other, is for good") {
  for (const Encoding encoding : kEncodings) {
    const std::vector<float> values(70'000, 1.0f);
    const Bytes bytes =
        Encode({encoding, 1}, values, [] { return std::uint64_t{0}; });
    UpdateDecoder decoder(encoding, values.size());
    int calls = 0;
    const auto refuse = [&](std::size_t, std::span<const float>) {
      ++calls;
      return absl::OutOfRangeError("over the bound");
    };
    CHECK(decoder.Feed(bytes, refuse).message() == "over the bound");
    CHECK(decoder.Feed({}, refuse).message() == "over the bound");
    CHECK(decoder.Finish().message() == "over the bound");
    CHECK(calls == 1);
  }
}

}  // namespace
}  // namespace tributary::aggregation
