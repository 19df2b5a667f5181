// SPDX-License-Identifier: Apache-2.0
// Packed updates, cut anywhere: what is wrong with them is found.
#include "coordinator/secure/packed_check.h"

#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "privacy/secagg/packing.h"
#include "tests/coordinator/secure/integer_plans.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using round::Refusal;
using testing::MakeRound;
using testing::Packed;

// Not a multiple of eight words.
constexpr std::size_t kLength = 3'003;

std::shared_ptr<const IntegerRound> Round(const std::string& sections) {
  return std::make_shared<const IntegerRound>(
      MakeRound(testing::PlanWith(sections), kLength));
}
const std::string kCentral = testing::Private("central", "{norm: 0.5}");

// Fed in pieces of this size.
PackedCheck::Defect Check(std::shared_ptr<const IntegerRound> round,
                          std::span<const std::byte> bytes,
                          std::size_t piece = 1'000,
                          Masks masks = Masks::kOff) {
  PackedCheck check(std::move(round), masks);
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(piece, bytes.size()));
    const auto defect = check.Feed(part);
    if (defect.refusal != Refusal::kNone) return defect;
    bytes = bytes.subspan(part.size());
  }
  return check.Finish();
}

TEST_CASE("an update within its bounds is taken, however it is cut") {
  const auto round =
      Round(GENERATE(as<std::string>{}, kCentral, testing::kSecure));
  std::vector<std::int64_t> words(round->format.Words());
  // As large as they may be together.
  const double most = round->update.norm_bound() / std::sqrt(kLength);
  for (std::size_t i = 0; i < kLength; ++i) {
    words[i] = static_cast<std::int64_t>(i % 2 == 0 ? most : -most);
  }
  const auto bytes = Packed(round->format.word_bits, words);
  for (const std::size_t piece : {1u, 7u, 64u, 4'097u, 1u << 20}) {
    CHECK(Check(round, bytes, piece).detail.empty());
  }
}

TEST_CASE("the norm is exact: one grid point more is over the bound") {
  const auto round = Round(kCentral);
  std::vector<std::int64_t> words(round->format.Words());
  const auto bound = static_cast<std::int64_t>(round->update.norm_bound());
  // 3^2 + 4^2 = 5^2: both coordinates are far from the largest word.
  words[0] = bound / 5 * 3;
  words[kLength - 1] = bound / 5 * 4;
  CHECK(Check(round, Packed(round->format.word_bits, words)).refusal ==
        Refusal::kNone);
  const std::int64_t rest = bound - bound / 5 * 5;
  words[kLength - 1] += 2 * rest + 1;
  CHECK(Check(round, Packed(round->format.word_bits, words)).refusal ==
        Refusal::kOverBound);
}

TEST_CASE("of an update with noise of its own only the words are bounded") {
  const auto round = Round(testing::Private("local", "{norm: 0.5}"));
  std::vector<std::int64_t> words(round->format.Words(), round->largest_word);
  CHECK(Check(round, Packed(round->format.word_bits, words)).refusal ==
        Refusal::kNone);
  words[kLength - 1] = -round->largest_word - 1;
  CHECK(Check(round, Packed(round->format.word_bits, words)).refusal ==
        Refusal::kOverBound);
}

TEST_CASE("a clip word is 1 or -1") {
  const auto round = Round(
      testing::Private("central", "{norm: 0.5, adaptive: {count_noise: 1}}"));
  std::vector<std::int64_t> words(round->format.Words());
  for (const std::int64_t word : {-1, 1}) {
    words.back() = word;
    CHECK(Check(round, Packed(round->format.word_bits, words)).refusal ==
          Refusal::kNone);
  }
  for (const std::int64_t word : {0, 2, -2}) {
    words.back() = word;
    CHECK(Check(round, Packed(round->format.word_bits, words)).refusal ==
          Refusal::kOverBound);
  }
}

TEST_CASE("size and last bits are checked under masks as well") {
  const auto masks = GENERATE(Masks::kOn, Masks::kOff);
  const auto round = Round(masks == Masks::kOn ? testing::kSecure : kCentral);
  const std::vector<std::int64_t> words(round->format.Words());
  auto bytes = Packed(round->format.word_bits, words);
  REQUIRE(PackedCheck::Size(*round) == bytes.size());
  REQUIRE(words.size() * static_cast<std::size_t>(round->format.word_bits) %
              8 !=
          0);
  CHECK(Check(round, bytes, 99, masks).refusal == Refusal::kNone);
  CHECK(Check(round, std::span(bytes).first(bytes.size() - 1), 99, masks)
            .refusal == Refusal::kWrongSize);
  bytes.push_back(std::byte{0});
  CHECK(Check(round, bytes, 99, masks).refusal == Refusal::kWrongSize);
  bytes.pop_back();
  bytes.back() |= std::byte{0x80};
  CHECK(Check(round, bytes, 99, masks).refusal == Refusal::kBadEncoding);
}

TEST_CASE("any words are taken or refused as their bounds say") {
  const auto round = Round(kCentral);
  const auto modulus_half = std::int64_t{1} << (round->format.word_bits - 1);
  CHECK(rc::check([&] {
    std::vector<std::int64_t> words(round->format.Words());
    const auto at = *rc::gen::inRange<std::size_t>(0, kLength);
    const auto other = *rc::gen::inRange<std::size_t>(0, kLength);
    words[at] = *rc::gen::inRange<std::int64_t>(-modulus_half, modulus_half);
    words[other] = *rc::gen::inRange<std::int64_t>(-modulus_half, modulus_half);
    const bool is_good =
        std::ranges::all_of(words,
                            [&](std::int64_t word) {
                              return std::abs(word) <= round->largest_word;
                            }) &&
        aggregation::IsWithin(
            aggregation::SquaredNorm(std::span(words).first(kLength)),
            round->update.norm_bound());
    const auto piece = *rc::gen::inRange<std::size_t>(1, 5'000);
    RC_ASSERT(
        (Check(round, Packed(round->format.word_bits, words), piece).refusal ==
         Refusal::kNone) == is_good);
  }));
}

}  // namespace
}  // namespace tributary::coordinator
