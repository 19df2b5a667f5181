// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/round_sum.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/runner/checksum.h"
#include "coordinator/tree/subtree_sum.h"
#include "tests/aggregation/vectors.h"
#include "tests/coordinator/secure/integer_plans.h"
#include "tests/coordinator/store/temp_folder.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using aggregation::Encoding;

constexpr std::size_t kLength = 300'000;
constexpr std::uint32_t kWeight = 3;

std::vector<std::byte> EncodedUpdate(Encoding encoding) {
  std::vector<float> values(kLength);
  for (std::size_t i = 0; i < kLength; ++i) {
    values[i] = 0.9f * std::sin(static_cast<float>(i) * 0.37f);
  }
  std::uint64_t word = 0;
  return aggregation::Encode({.encoding = encoding, .top_k_fraction = 0.4},
                             values,
                             [&] { return word += 0x9E3779B97F4A7C15; });
}

TEST_CASE("a fold that broke off anywhere goes on, and adds nothing twice") {
  const auto encoding = GENERATE(Encoding::kFloat32, Encoding::kBfloat16,
                                 Encoding::kInt8, Encoding::kTopK);
  const testing::TempFolder folder;
  const auto spool = store::Spool::Open(folder.path(), {}).value();
  const std::vector<std::byte> bytes = EncodedUpdate(encoding);
  Checksum checksum;
  checksum.Update(bytes);
  const SpooledUpdate update{.slot = spool->Take().value(),
                             .encoding = encoding,
                             .size = bytes.size(),
                             .checksum = checksum.Value()};
  REQUIRE(update.slot->file().Write(0, bytes).ok());
  RoundSum whole(aggregation::MakeLayout(kLength, 1, 100));
  UpdateFold at_once{.update = update, .weight = kWeight};
  REQUIRE(whole.Fold(at_once).ok());

  RoundSum broken(aggregation::MakeLayout(kLength, 1, 100));
  UpdateFold fold{.update = update, .weight = kWeight};
  for (const double part : {0.0, 0.9, 0.6, 0.95}) {
    // Its end cannot be read for a while.
    std::filesystem::resize_file(
        update.slot->file().path(),
        static_cast<std::uintmax_t>(static_cast<double>(bytes.size()) * part));
    CHECK_FALSE(broken.Fold(fold).ok());
    CHECK(fold.added < kLength);
    REQUIRE(update.slot->file().Write(0, bytes).ok());
  }
  CHECK(fold.added > 0);
  REQUIRE(broken.Fold(fold).ok());
  const aggregation::ExactSum expected = whole.Take();
  const aggregation::ExactSum sum = broken.Take();
  CHECK(std::equal(sum.sums().begin(), sum.sums().end(),
                   expected.sums().begin(), expected.sums().end()));
  CHECK(sum.contributions() == 1);
  CHECK(sum.weight() == kWeight);
}

TEST_CASE(
    "a fold of packed words that broke off goes on, and adds none twice") {
  const auto sections = GENERATE(as<std::string>{}, testing::kSecure,
                                 testing::Private("central", "{norm: 0.5}"));
  const IntegerRound round =
      testing::MakeRound(testing::PlanWith(sections), kLength);
  std::vector<std::int64_t> words(round.format.Words());
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = static_cast<std::int64_t>(i * 7'919 % 2'001) - 1'000;
  }
  const auto bytes = testing::Packed(round.format.word_bits, words);
  const testing::TempFolder folder;
  const auto spool = store::Spool::Open(folder.path(), {}).value();
  Checksum checksum;
  checksum.Update(bytes);
  const SpooledUpdate update{.slot = spool->Take().value(),
                             .encoding = Encoding::kFloat32,
                             .size = bytes.size(),
                             .checksum = checksum.Value()};
  REQUIRE(update.slot->file().Write(0, bytes).ok());

  RoundSum sum(round);
  UpdateFold fold{.update = update, .weight = 1};
  for (const double part : {0.0, 0.9, 0.6, 0.95}) {
    std::filesystem::resize_file(
        update.slot->file().path(),
        static_cast<std::uintmax_t>(static_cast<double>(bytes.size()) * part));
    CHECK_FALSE(sum.Fold(fold).ok());
    CHECK(fold.added < words.size());
    REQUIRE(update.slot->file().Write(0, bytes).ok());
  }
  CHECK(fold.added > 0);
  REQUIRE(sum.Fold(fold).ok());
  // Others beside it, on threads of their own.
  std::vector<std::thread> others;
  for (int i = 0; i < 3; ++i) {
    others.emplace_back([&] {
      UpdateFold again{.update = update, .weight = 1};
      if (!sum.Fold(again).ok()) std::abort();
    });
  }
  for (std::thread& other : others) other.join();
  CHECK(sum.folded() == 4);
  const secagg::MaskedSum total = sum.TakeWords();
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    wrong += total.At(i) == 4 * words[i] ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("a fold of a partial sum that broke off goes on, none added twice") {
  constexpr std::size_t kTrainable = 200'001;
  aggregation::Layout layout = aggregation::MakeLayout(kLength, 1, 100);
  layout.trainable = kTrainable;
  constexpr std::uint32_t kLeaves = 4;
  constexpr std::uint64_t kTogether = 150;
  const auto format =
      PartialSumFormat::OfSum(layout, kLeaves, kTogether).value();
  std::vector<std::int64_t> sums(kLength);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    sums[i] = static_cast<std::int64_t>(i * 7'919 % 2'000'001) - 1'000'000;
  }
  std::vector<round::ClientId> names;
  for (const char* name : {"a", "bb", "ccc", "pump-4"}) names.push_back({name});
  std::vector<std::byte> bytes;
  REQUIRE(WriteSubtreeSum(
              round::LeafSet::Make(names).value(), format,
              [&](std::size_t first, std::span<std::int64_t> out) {
                std::ranges::copy(std::span(sums).subspan(first, out.size()),
                                  out.begin());
              },
              [&](std::span<const std::byte> some) {
                bytes.insert(bytes.end(), some.begin(), some.end());
                return absl::OkStatus();
              })
              .ok());
  const testing::TempFolder folder;
  const auto spool = store::Spool::Open(folder.path(), {}).value();
  Checksum checksum;
  checksum.Update(bytes);
  const SpooledUpdate update{.slot = spool->Take().value(),
                             .encoding = Encoding::kFloat32,
                             .size = bytes.size(),
                             .checksum = checksum.Value(),
                             .leaves = kLeaves};
  REQUIRE(update.slot->file().Write(0, bytes).ok());

  RoundSum sum(layout);
  UpdateFold fold{.update = update, .weight = kTogether};
  for (const double part : {0.0, 0.9, 0.6, 0.95}) {
    std::filesystem::resize_file(
        update.slot->file().path(),
        static_cast<std::uintmax_t>(static_cast<double>(bytes.size()) * part));
    CHECK_FALSE(sum.Fold(fold).ok());
    CHECK(fold.added < kLength);
    REQUIRE(update.slot->file().Write(0, bytes).ok());
  }
  CHECK(fold.added > 0);
  REQUIRE(sum.Fold(fold).ok());
  CHECK(sum.folded() == 1);

  for (const int wrong : {0, 1, 2}) {
    SpooledUpdate damaged = update;
    if (wrong == 0) ++damaged.checksum;
    if (wrong == 1) damaged.size = format.Bytes() - 1;
    if (wrong == 2) damaged.leaves = kTogether + 1;
    UpdateFold again{.update = damaged, .weight = kTogether};
    RoundSum other(layout);
    INFO("wrong: " << wrong);
    CHECK(absl::IsDataLoss(other.Fold(again)));
  }
  const aggregation::ExactSum total = sum.Take();
  CHECK(total.contributions() == kLeaves);
  CHECK(total.weight() == kTogether);
  CHECK(std::ranges::equal(total.sums(), sums));
}

TEST_CASE("packed words that are damaged in the spool are not folded") {
  const IntegerRound round =
      testing::MakeRound(testing::PlanWith(testing::kSecure), kLength);
  const auto bytes = testing::Packed(
      round.format.word_bits, std::vector<std::int64_t>(round.format.Words()));
  const testing::TempFolder folder;
  const auto spool = store::Spool::Open(folder.path(), {}).value();
  SpooledUpdate update{.slot = spool->Take().value(),
                       .encoding = Encoding::kFloat32,
                       .size = bytes.size(),
                       .checksum = 1};
  REQUIRE(update.slot->file().Write(0, bytes).ok());
  SECTION("another checksum") {}
  SECTION("another size") { --update.size; }
  RoundSum sum(round);
  UpdateFold fold{.update = update, .weight = 1};
  CHECK(absl::IsDataLoss(sum.Fold(fold)));
  CHECK(sum.folded() == 0);
}

TEST_CASE("an update that is damaged in the spool is not folded") {
  const testing::TempFolder folder;
  const auto spool = store::Spool::Open(folder.path(), {}).value();
  const std::vector<std::byte> bytes = EncodedUpdate(Encoding::kFloat32);
  const SpooledUpdate update{.slot = spool->Take().value(),
                             .encoding = Encoding::kFloat32,
                             .size = bytes.size(),
                             .checksum = 1};
  REQUIRE(update.slot->file().Write(0, bytes).ok());
  RoundSum sum(aggregation::MakeLayout(kLength, 1, 100));
  UpdateFold fold{.update = update, .weight = kWeight};
  const absl::Status status = sum.Fold(fold);
  CHECK(absl::IsDataLoss(status));
  CHECK(std::string(status.message()).find("wrong checksum") !=
        std::string::npos);
}

}  // namespace
}  // namespace tributary::coordinator
