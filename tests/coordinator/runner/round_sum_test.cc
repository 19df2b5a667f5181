// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/round_sum.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "coordinator/runner/checksum.h"
#include "tests/aggregation/vectors.h"
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
