// SPDX-License-Identifier: Apache-2.0
// Announcements of partial sums and their lists of leaves over the wire, and
// what a root receives in a round.
#include "coordinator/wire/partial_sum.h"

#include <algorithm>
#include <string>
#include <vector>

#include "coordinator/tree/partial_sum.h"
#include "proto/codec/yaml.h"
#include "tributary/v1/federation.pb.h"
// Last.
#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using round::ClientId;
using round::LeafSet;
using round::Subtree;

constexpr std::size_t kMebibyte = 1 << 20;

LeafSet Leaves(std::size_t count, std::size_t length) {
  std::vector<ClientId> leaves;
  for (std::size_t i = 0; i < count; ++i) {
    std::string name = std::to_string(count + i);
    leaves.push_back({name + std::string(length - name.size(), '-')});
  }
  std::ranges::sort(leaves);
  return LeafSet::Make(std::move(leaves)).value();
}

Subtree Announced(const LeafSet& leaves, std::uint64_t weight) {
  return {.epoch = 3,
          .leaves = static_cast<std::uint32_t>(leaves.size()),
          .weight = weight,
          .names = leaves.Name()};
}

std::string WhyNot(const Subtree& announced,
                   const std::vector<v1::LeafPage>& pages) {
  LeafPages reader(announced);
  for (const v1::LeafPage& page : pages) {
    if (const auto status = reader.Add(page); !status.ok()) {
      return std::string(status.message());
    }
  }
  if (!reader.IsComplete()) return "more is to come";
  return std::string(std::move(reader).Take().status().message());
}

TEST_CASE("an announcement says the same when it is read") {
  const Subtree subtree = Announced(Leaves(5, 10), std::uint64_t{1} << 44);
  const v1::PartialSum message = ToMessage(subtree);
  CHECK(codec::CheckLimits(message).ok());
  CHECK(ToSubtree(message).value() == subtree);
  v1::PartialSum bad = message;
  bad.mutable_leaves_sha256()->pop_back();
  CHECK(ToSubtree(bad).status().message() == "leaves_sha256: 31 bytes, not 32");
  bad = message;
  bad.set_weight((std::uint64_t{1} << 44) + 1);
  CHECK_FALSE(codec::CheckLimits(bad).ok());
  bad = message;
  bad.set_leaves((1 << 20) + 1);
  CHECK_FALSE(codec::CheckLimits(bad).ok());
  bad.set_leaves(0);
  CHECK(ToSubtree(bad).status().message() == "leaves: 0 is less than 1");
  bad = message;
  bad.set_epoch(0);
  CHECK(ToSubtree(bad).status().message() == "epoch: 0 is less than 1");
}

TEST_CASE("lists of leaves go over in pages of at most 1 MiB") {
  for (const std::size_t count : {1u, 7'999u, 8'000u, 8'001u, 20'000u}) {
    const LeafSet leaves = Leaves(count, 128);
    const auto pages = ToPages(leaves);
    CHECK(pages.size() == (count + 7'999) / 8'000);
    LeafPages reader(Announced(leaves, count));
    for (const v1::LeafPage& page : pages) {
      CHECK(page.ByteSizeLong() <= kMebibyte);
      CHECK(codec::CheckLimits(page).ok());
      CHECK_FALSE(reader.IsComplete());
      CHECK(reader.Add(page).ok());
    }
    REQUIRE(reader.IsComplete());
    CHECK(std::move(reader).Take().value() == leaves);
  }
}

TEST_CASE("a list that is not the one announced is refused with the reason") {
  const LeafSet leaves = Leaves(9'000, 20);
  const Subtree announced = Announced(leaves, 9'000);
  const auto pages = ToPages(leaves);
  CHECK(WhyNot(announced, pages) == "");
  CHECK(WhyNot(announced, {pages[0]}) == "more is to come");
  CHECK(WhyNot(announced, {pages[0], pages[1], pages[1]}) ==
        "a page of leaves after the last");
  CHECK(WhyNot(announced, {pages[0], pages[0]}) ==
        "more leaves than the 9000 announced");
  CHECK(WhyNot(announced, {v1::LeafPage()}) == "an empty page of leaves");
  CHECK(WhyNot(announced, {pages[1]}) ==
        "the list of 1000 leaves is not the one of 9000 that was announced");
  auto other = pages;
  other[1].set_leaves(999, "zz");
  CHECK(WhyNot(announced, other) ==
        "the list of 9000 leaves is not the one of 9000 that was announced");
  other[1].set_leaves(999, other[1].leaves(998));
  CHECK(WhyNot(announced, other).starts_with("leaf 8999: names are sorted"));
}

// Issue: the root's inbound bytes of a round are aggregators x model x
// accumulator bits / 32, and 2 % at most beside. Here everything that the
// protocol of the partial sum itself needs: announcement, leaves, chunks.
TEST_CASE(
    "a root receives the sums of its aggregators and 2 % at most beside") {
  constexpr std::size_t kModel = 1'663'370;
  constexpr std::uint64_t kAggregators = 3;
  constexpr std::uint64_t kEach = 8;
  const auto grid =
      aggregation::Grid::Make({.max_abs = 1, .max_weight = 128}).value();
  const aggregation::Layout layout{kModel, kModel, grid, grid};
  const LeafSet leaves = Leaves(kEach, 64);
  const Subtree subtree = Announced(leaves, kEach * 100);
  const auto format =
      PartialSumFormat::OfSum(layout, subtree.leaves, subtree.weight).value();
  // The bound 1 is 2^32 steps, and 800 weights are less than 2^10; a sign.
  constexpr std::uint64_t kBits = 32 + 10 + 1;
  const double expected = kAggregators * (kModel * 4.0) * kBits / 32;
  CHECK(kAggregators * format.Bytes() >= expected);
  CHECK(kAggregators * format.Bytes() < expected + kAggregators);

  v1::ClientMessage ready;
  v1::UpdateHeader& header = *ready.mutable_update_ready()->mutable_header();
  header.set_task_token(std::string(16, 't'));
  header.set_base_model(std::string(32, 'm'));
  header.set_size(format.Bytes());
  header.set_checksum(~std::uint64_t{0});
  header.set_train_loss(0.5);
  std::uint64_t beside =
      ready.ByteSizeLong() + ToMessage(subtree).ByteSizeLong();
  for (const v1::LeafPage& page : ToPages(leaves)) {
    beside += page.ByteSizeLong();
  }
  v1::UploadMessage upload;
  *upload.mutable_header()->mutable_task_token() = std::string(16, 't');
  beside += upload.ByteSizeLong();
  for (std::uint64_t sent = 0; sent < format.Bytes();) {
    const std::size_t chunk =
        std::min<std::uint64_t>(kMebibyte, format.Bytes() - sent);
    upload.set_data(std::string(chunk, 'd'));
    beside += upload.ByteSizeLong() - chunk;
    sent += chunk;
  }
  CHECK(kAggregators * (format.Bytes() + beside) <= 1.02 * expected);
  CHECK(kAggregators * beside < 2'500);
}

}  // namespace
}  // namespace tributary::coordinator
