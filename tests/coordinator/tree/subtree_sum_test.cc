// SPDX-License-Identifier: Apache-2.0
// What an aggregator hands up, whole: names, then integers, cut anywhere; and
// lists of names that are not those announced.
#include "coordinator/tree/subtree_sum.h"

#include <rapidcheck.h>

#include <string>
#include <utility>

#include "tests/coordinator/tree/sums.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using round::ClientId;
using round::LeafSet;
using round::Refusal;
using round::Subtree;
using testing::AnyLayout;

LeafSet SetOf(const std::vector<std::string>& names) {
  std::vector<ClientId> leaves;
  for (const std::string& name : names) leaves.push_back({name});
  std::ranges::sort(leaves);
  return LeafSet::Make(std::move(leaves)).value();
}

Subtree Announced(const LeafSet& leaves, std::uint64_t weight = 1) {
  return {.epoch = 1,
          .leaves = static_cast<std::uint32_t>(leaves.size()),
          .weight = weight,
          .names = leaves.Name()};
}

std::vector<std::byte> NamesOf(const LeafSet& leaves) {
  std::vector<std::byte> bytes;
  CHECK(WriteLeafNames(leaves, [&](std::span<const std::byte> some) {
          CHECK(some.size() <= 65'536);
          bytes.insert(bytes.end(), some.begin(), some.end());
          return absl::OkStatus();
        }).ok());
  return bytes;
}

// Names as they are, whatever is wrong with them.
std::string Raw(const std::vector<std::string>& names) {
  std::string bytes;
  for (const std::string& name : names) {
    bytes += {static_cast<char>(name.size()),
              static_cast<char>(name.size() >> 8), '\0', '\0'};
    bytes += name;
  }
  return bytes;
}

// Fed in pieces of this size.
SubtreeSumReader::Defect Feed(SubtreeSumReader& reader,
                              std::span<const std::byte> bytes,
                              std::size_t piece) {
  while (!bytes.empty()) {
    const auto some = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(some.size());
    auto defect = reader.Feed(some);
    if (defect.refusal != Refusal::kNone) return defect;
  }
  return reader.Finish();
}

struct Sum {
  LeafSet leaves = SetOf({"b", "leaf-a", "leaf-b"});
  aggregation::Layout layout{5, 9, testing::MakeGrid(1, 10),
                             testing::MakeGrid(2, 10)};
  Subtree announced = Announced(leaves, 6);
  PartialSumFormat format = PartialSumFormat::OfSum(layout, 3, 6).value();
  std::vector<std::byte> bytes;

  Sum() {
    CHECK(WriteSubtreeSum(
              leaves, format,
              [](std::size_t first, std::span<std::int64_t> out) {
                for (std::size_t i = 0; i < out.size(); ++i) {
                  out[i] = static_cast<std::int64_t>(first + i) - 4;
                }
              },
              [&](std::span<const std::byte> some) {
                bytes.insert(bytes.end(), some.begin(), some.end());
                return absl::OkStatus();
              })
              .ok());
  }
  SubtreeSumReader::Defect Read(std::span<const std::byte> given,
                                std::size_t piece = 7) const {
    SubtreeSumReader reader(announced, format, given.size());
    return Feed(reader, given, piece);
  }
};

TEST_CASE("names and integers are read back, however they are cut") {
  CHECK(rc::check([] {
    KeyedStream random(KeyFromSeed(*rc::gen::arbitrary<std::uint64_t>()), "");
    std::vector<std::string> names;
    const std::size_t count = 1 + random.Below(40);
    for (std::size_t i = 0; i < count; ++i) {
      names.push_back(std::to_string(i) + std::string(random.Below(126), 'x'));
    }
    const LeafSet leaves = SetOf(names);
    const auto layout = AnyLayout(random, 300);
    const auto announced = Announced(leaves, count);
    const auto format = PartialSumFormat::OfSum(layout, count, count).value();
    const aggregation::ExactSum sum(layout);
    std::vector<std::byte> bytes;
    RC_ASSERT(WriteSubtreeSum(leaves, format, SourceOf(sum),
                              [&](std::span<const std::byte> some) {
                                bytes.insert(bytes.end(), some.begin(),
                                             some.end());
                                return absl::OkStatus();
                              })
                  .ok());
    RC_ASSERT(bytes.size() == NameBytes(leaves) + format.Bytes());
    RC_ASSERT(NameBytes(leaves) >= LeastNameBytes(count));
    RC_ASSERT(NameBytes(leaves) <= MostNameBytes(count));
    SubtreeSumReader reader(announced, format, bytes.size());
    const auto defect = Feed(reader, bytes, 1 + random.Below(700));
    RC_ASSERT(defect.detail == "");
    RC_ASSERT(reader.TakeLeaves() == leaves);
  }));
}

TEST_CASE("the bytes of a list of names are those its name is the hash of") {
  const LeafSet leaves = SetOf({"b", "leaf-a", std::string(128, 'n')});
  const auto bytes = NamesOf(leaves);
  CHECK(Sha256(bytes) == leaves.Name());
  // "b" after its length, little-endian.
  REQUIRE(bytes.size() == 4 + 1 + 4 + 6 + 4 + 128);
  CHECK(bytes[0] == std::byte{1});
  CHECK(bytes[1] == std::byte{0});
  CHECK(bytes[4] == std::byte{'b'});
}

TEST_CASE("a list of names that is wrong is refused with the reason") {
  const LeafSet leaves = SetOf({"a", "b", "c"});
  const auto why = [&](const std::string& bytes) {
    LeafNamesReader reader(Announced(leaves));
    auto rest = std::as_bytes(std::span(bytes));
    const auto defect = reader.Feed(rest);
    CHECK((defect.refusal == Refusal::kNone) == defect.detail.empty());
    CHECK(reader.IsComplete() ==
          (defect.detail.empty() && bytes == Raw({"a", "b", "c"})));
    return std::pair(defect.refusal, defect.detail);
  };
  const auto wrong = [](const char* text) {
    return std::pair(Refusal::kBadEncoding, std::string(text));
  };
  CHECK(why(Raw({"a", "b", "c"})).first == Refusal::kNone);
  CHECK(why(Raw({"a", ""})) ==
        wrong("leaf 1: a name of 0 bytes, not 1 to 128"));
  CHECK(why(Raw({std::string(129, 'a')})) ==
        wrong("leaf 0: a name of 129 bytes, not 1 to 128"));
  CHECK(why(std::string(4, '\xff')) ==
        wrong("leaf 0: a name of 4294967295 bytes, not 1 to 128"));
  CHECK(why(Raw({"a", "c", "b"})) ==
        wrong("leaf 2: names are sorted, each once, and this one does not "
              "come after the one before it"));
  CHECK(why(Raw({"a", "a"})).first == Refusal::kBadEncoding);
  CHECK(why(Raw({"a", "b", "d"})) ==
        std::pair(Refusal::kBadChecksum,
                  std::string("the names of the 3 leaves are not those "
                              "announced")));
}

TEST_CASE("names of leaves beyond those announced are not read") {
  const LeafSet leaves = SetOf({"a"});
  const std::string bytes = Raw({"a", "b"});
  LeafNamesReader reader(Announced(leaves));
  auto rest = std::as_bytes(std::span(bytes));
  CHECK(reader.Feed(rest).refusal == Refusal::kNone);
  CHECK(reader.IsComplete());
  CHECK(reader.received() == 5);
  CHECK(rest.size() == 5);
  CHECK(std::move(reader).Take() == leaves);
}

TEST_CASE_METHOD(Sum,
                 "a sum is read whatever its pieces, and taken once whole") {
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    CHECK(Read(bytes, piece).detail == "");
  }
}

TEST_CASE_METHOD(Sum, "a sum that is not as long as announced is refused") {
  const auto all = std::span<const std::byte>(bytes);
  CHECK(Read(all.first(3)).refusal == Refusal::kWrongSize);
  CHECK(Read(all.first(3)).detail ==
        "the bytes end among the names of the leaves");
  // Found out when the names are there, before the integers come.
  const auto early = Read(all.first(all.size() - 1));
  CHECK(early.refusal == Refusal::kWrongSize);
  CHECK(early.detail.starts_with("names of 25 bytes and a sum of "));
  SubtreeSumReader reader(announced, format, bytes.size());
  CHECK(Feed(reader, all.first(all.size() - 1), 7).refusal ==
        Refusal::kWrongSize);
  std::vector<std::byte> longer = bytes;
  longer.push_back(std::byte{0});
  CHECK(Read(longer).refusal == Refusal::kWrongSize);
}

TEST_CASE_METHOD(Sum, "integers that its leaves cannot make are refused") {
  // 0111 ... is 0.93 of what would fit, and the bound 0.75 of it.
  std::fill(bytes.begin() + 25, bytes.end(), std::byte{0x77});
  const auto defect = Read(bytes);
  CHECK(defect.refusal == Refusal::kOverBound);
  CHECK(defect.detail.starts_with("coordinate 0 of the sum is "));
}

}  // namespace
}  // namespace tributary::coordinator
