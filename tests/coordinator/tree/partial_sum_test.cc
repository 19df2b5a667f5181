// SPDX-License-Identifier: Apache-2.0
// A sum of a subtree as bytes and back: as short as its bound allows, and what
// no leaves can make is refused.
#include "coordinator/tree/partial_sum.h"

#include <rapidcheck.h>

#include <limits>

#include "tests/coordinator/tree/sums.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using aggregation::Layout;
using round::Refusal;
using testing::AnyLayout;
using testing::BytesOf;
using testing::MakeGrid;
using testing::Read;

std::vector<std::int64_t> ReadAll(const PartialSumFormat& format,
                                  std::span<const std::byte> bytes,
                                  std::size_t piece) {
  std::vector<std::int64_t> sums;
  const auto defect =
      Read(format, bytes, piece, [&](std::size_t first, auto block) {
        CHECK(first == sums.size());
        CHECK(block.size() <= 1'024);
        sums.insert(sums.end(), block.begin(), block.end());
        return true;
      });
  CHECK(defect.detail == "");
  return sums;
}

// As large as they can be, and anything between.
std::vector<std::int64_t> AnySums(RandomSource& random,
                                  const PartialSumFormat& format) {
  std::vector<std::int64_t> sums;
  for (const PartialSumFormat::Part& part : format.parts()) {
    const auto width = 2 * static_cast<std::uint64_t>(part.largest) + 1;
    for (std::size_t i = 0; i < part.count; ++i) {
      const auto kind = random.Below(8);
      sums.push_back(kind == 0 ? part.largest
                     : kind == 1
                         ? -part.largest
                         : static_cast<std::int64_t>(random.Below(width)) -
                               part.largest);
    }
  }
  return sums;
}

// Of any sums that fit into the format's bits, whatever its bounds.
std::vector<std::byte> BytesInWidthsOf(const PartialSumFormat& format,
                                       std::span<const std::int64_t> sums) {
  std::vector<std::byte> bytes;
  for (const PartialSumFormat::Part& part : format.parts()) {
    const auto any = PartialSumFormat::OfMaskedWords(part.count, part.bits);
    const auto some = sums.first(part.count);
    const auto packed = BytesOf(any, std::vector(some.begin(), some.end()));
    bytes.insert(bytes.end(), packed.begin(), packed.end());
    sums = sums.subspan(part.count);
  }
  return bytes;
}

// By hand: on a grid of 32 bits the bound 1 is 2^32 steps, and 0.75 is 3 *
// 2^30.
TEST_CASE("a sum has the fewest bits that its weight allows, part by part") {
  const Layout layout{.trainable = 3,
                      .length = 8,
                      .parameters = MakeGrid(1, 1'000),
                      .buffers = MakeGrid(0.75, 1'000),
                      .auxiliary = MakeGrid(4, 1'000, 5),
                      .auxiliary_length = 1};
  const auto one = PartialSumFormat::OfSum(layout, 1, 1).value();
  using Part = PartialSumFormat::Part;
  CHECK(one.parts() == std::vector<Part>{{3, 34, std::int64_t{1} << 32},
                                         {4, 33, std::int64_t{3} << 30},
                                         {1, 7, 32}});
  // 102, 132 and 7 bits, each part in whole bytes.
  CHECK(one.Bytes() == 13 + 17 + 1);
  CHECK(one.length() == 8);
  // 24 leaves of 1,000 examples: 24,000 < 2^15.
  const auto many = PartialSumFormat::OfSum(layout, 24, 24'000).value();
  CHECK(many.parts() ==
        std::vector<Part>{{3, 48, 24'000 * (std::int64_t{1} << 32)},
                          {4, 48, 24'000 * (std::int64_t{3} << 30)},
                          {1, 21, 24'000 * 32}});
}

TEST_CASE("sums within the bound come back, however their bytes are cut") {
  CHECK(rc::check([](std::uint64_t seed) {
    KeyedStream random(KeyFromSeed(seed));
    const Layout layout = AnyLayout(random, 4'000);
    const std::uint64_t leaves = 1 + random.Below(50);
    const std::uint64_t weight =
        leaves +
        random.Below(leaves * (layout.parameters.max_weight() - 1) + 1);
    const auto format = PartialSumFormat::OfSum(layout, leaves, weight).value();
    RC_ASSERT(format.length() == layout.length);
    for (const PartialSumFormat::Part& part : format.parts()) {
      // One bit fewer would not hold the largest.
      RC_ASSERT(part.largest >> (part.bits - 2) == 1);
    }
    const std::vector<std::int64_t> sums = AnySums(random, format);
    const auto bytes = BytesOf(format, sums);
    RC_ASSERT(bytes.size() == format.Bytes());
    RC_ASSERT(ReadAll(format, bytes, 1 + random.Below(9'000)) == sums);
  }));
}

TEST_CASE("the sum of 2^20 leaves of the largest weight at the bound fits") {
  const Layout layout{2, 2, MakeGrid(1, 1 << 24), MakeGrid(1, 1 << 24)};
  const auto format =
      PartialSumFormat::OfSum(layout, 1 << 20, std::uint64_t{1} << 44).value();
  CHECK(format.parts()[0].bits == 64);
  const std::vector<std::int64_t> sums = {std::int64_t{1} << 62,
                                          -(std::int64_t{1} << 62)};
  CHECK(ReadAll(format, BytesOf(format, sums), 5) == sums);
}

TEST_CASE("leaves that cannot be are refused with what was wrong") {
  const Layout layout{2, 2, MakeGrid(1, 100), MakeGrid(1, 100)};
  const auto why = [&](std::uint64_t leaves, std::uint64_t weight) {
    const auto format = PartialSumFormat::OfSum(layout, leaves, weight);
    return format.ok() ? "" : std::string(format.status().message());
  };
  CHECK(why(10, 10) == "");
  CHECK(why(10, 1'000) == "");
  CHECK(why(10, 9) == "weight 9 of 10 leaves is not between 10 and 1000");
  CHECK(why(10, 1'001) ==
        "weight 1001 of 10 leaves is not between 10 and 1000");
  CHECK(why(0, 0) == "0 leaves in a partial sum, not 1 to 1048576");
  CHECK(why((1 << 20) + 1, 1 << 21) ==
        "1048577 leaves in a partial sum, not 1 to 1048576");
  CHECK(why(1, ~std::uint64_t{0}) != "");
  CHECK_FALSE(
      PartialSumFormat::OfWords(2, std::int64_t{1} << 43, 1 << 20).ok());
  CHECK(PartialSumFormat::OfWords(2, std::int64_t{1} << 42, 1 << 20).ok());
}

// As far as bounds go: a sum that fewer leaves can have is theirs to claim.
TEST_CASE("an aggregator that claims too few leaves for its sums is caught") {
  CHECK(rc::check([](std::uint64_t seed) {
    KeyedStream random(KeyFromSeed(seed));
    const Layout layout{60, 90, MakeGrid(0.3, 50), MakeGrid(2, 50)};
    const std::uint64_t weight = 2 + random.Below(500);
    const std::uint64_t claimed = 1 + random.Below(weight - 1);
    const auto format =
        PartialSumFormat::OfSum(layout, 1 + (weight - 1) / 50, weight).value();
    const auto less =
        PartialSumFormat::OfSum(layout, 1 + (claimed - 1) / 50, claimed)
            .value();
    std::vector<std::int64_t> sums(90);
    const std::size_t at = random.Below(90);
    const std::size_t part = at < 60 ? 0 : 1;
    // In the claim's own width, so that nothing but the bound tells.
    const std::int64_t most =
        std::min(format.parts()[part].largest,
                 (std::int64_t{1} << (less.parts()[part].bits - 1)) - 1);
    sums[at] = random.Below(2) == 0 ? most : -most;
    RC_PRE(most > less.parts()[part].largest);
    const auto bytes = BytesInWidthsOf(less, sums);
    RC_ASSERT(bytes.size() == less.Bytes());
    const auto defect = Read(less, bytes, 1 + random.Below(500));
    RC_ASSERT(defect.refusal == Refusal::kOverBound);
    RC_ASSERT(defect.detail.starts_with("coordinate " + std::to_string(at)));
  }));
}

TEST_CASE("a sum that is not of its format is refused") {
  const Layout layout{3, 5, MakeGrid(1, 10), MakeGrid(1, 10, 4)};
  const auto format = PartialSumFormat::OfSum(layout, 2, 3).value();
  const std::vector<std::int64_t> sums(5, 1);
  auto bytes = BytesOf(format, sums);
  // 3 * 35 and 2 * 7 bits.
  REQUIRE(bytes.size() == 14 + 2);
  CHECK(Read(format, bytes, 3).refusal == Refusal::kNone);
  CHECK(Read(format, std::span(bytes).first(15), 3).refusal ==
        Refusal::kWrongSize);
  CHECK(Read(format, {}, 3).refusal == Refusal::kWrongSize);
  bytes.push_back(std::byte{0});
  CHECK(Read(format, bytes, 3).refusal == Refusal::kWrongSize);
  bytes.pop_back();
  for (const std::size_t last : {13u, 15u}) {
    bytes[last] ^= std::byte{0x80};
    CHECK(Read(format, bytes, 3).refusal == Refusal::kBadEncoding);
    bytes[last] ^= std::byte{0x80};
  }
  CHECK(Read(format, bytes, 3).refusal == Refusal::kNone);
}

TEST_CASE("a reader whose sink has enough passes nothing more on") {
  const Layout layout{5'000, 5'000, MakeGrid(1, 1), MakeGrid(1, 1)};
  const auto format = PartialSumFormat::OfSum(layout, 1, 1).value();
  const auto bytes = BytesOf(format, std::vector<std::int64_t>(5'000, 7));
  int blocks = 0;
  CHECK(Read(format, bytes, 10'000, [&](std::size_t, auto) {
          return ++blocks < 2;
        }).refusal == Refusal::kNone);
  CHECK(blocks == 2);
}

TEST_CASE("a sum that its leaves cannot have made is not handed up") {
  const auto format = PartialSumFormat::OfWords(3, 10, 4).value();
  CHECK(format.parts()[0].largest == 40);
  std::vector<std::int64_t> sums = {40, -40, 41};
  const auto status = WritePartialSum(
      format,
      [&](std::size_t first, std::span<std::int64_t> out) {
        std::ranges::copy(std::span(sums).subspan(first, out.size()),
                          out.begin());
      },
      [](auto) { return absl::OkStatus(); });
  CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
  CHECK(status.message() ==
        "coordinate 2 of the sum is 41, and its leaves can make no more than "
        "40");
  sums[2] = 40;
  CHECK(BytesOf(format, sums).size() == format.Bytes());
}

TEST_CASE("an error of what takes the bytes ends the writing") {
  const auto format = PartialSumFormat::OfWords(100'000, 10, 4).value();
  int calls = 0;
  const auto status = WritePartialSum(
      format, [](std::size_t, std::span<std::int64_t>) {},
      [&](auto) {
        return ++calls < 3 ? absl::OkStatus() : absl::DataLossError("disk");
      });
  CHECK(status.message() == "disk");
  CHECK(calls == 3);
}

}  // namespace
}  // namespace tributary::coordinator
