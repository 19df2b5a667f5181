// SPDX-License-Identifier: Apache-2.0
// Each leaf counts once or not at all, and the ledger can say through whom.
#include "coordinator/round/leaf_ledger.h"

#include <string>
#include <vector>

#include "tests/catch.h"

namespace tributary::round {
namespace {

const ClientId kNorth{"north"};
const ClientId kSouth{"south"};

LeafSet Set(std::vector<std::string> names) {
  std::vector<ClientId> leaves;
  for (std::string& name : names) leaves.push_back({std::move(name)});
  return LeafSet::Make(std::move(leaves)).value();
}

std::string WhyNot(std::vector<ClientId> leaves) {
  const auto set = LeafSet::Make(std::move(leaves));
  return set.ok() ? "" : std::string(set.status().message());
}

TEST_CASE("a set of leaves is sorted names, each once") {
  CHECK(WhyNot({}) == "");
  CHECK(WhyNot({{"a"}, {"b"}, {"ba"}}) == "");
  CHECK(WhyNot({{"a"}, {"b"}, {"b"}}).starts_with("leaf 2: names are sorted"));
  CHECK(WhyNot({{"b"}, {"a"}}).starts_with("leaf 1: names are sorted"));
  CHECK(WhyNot({{""}}) == "leaf 0: a name of 0 bytes, not 1 to 128");
  CHECK(WhyNot({{std::string(129, 'x')}}) ==
        "leaf 0: a name of 129 bytes, not 1 to 128");
  CHECK(WhyNot(std::vector<ClientId>((1 << 20) + 1, {"x"}))
            .starts_with("1048577 leaves"));
}

// By hand: sha256 of 01000000 "a" 02000000 "bc".
TEST_CASE("a set is named by its leaves, and where one ends matters") {
  CHECK(Set({"a", "bc"}).Name().Hex() ==
        "47ea6f805c5b663e33012cd34184e1398ad81a0dcea50071346f05d26692e843");
  CHECK(Set({"a", "bc"}).Name() != Set({"ab", "c"}).Name());
  CHECK(Set({}).Name() != Set({"a"}).Name());
}

TEST_CASE("sets are put together and taken apart") {
  LeafSet set = Set({"a", "d"});
  set.Add(Set({"b", "e"}));
  CHECK(set == Set({"a", "b", "d", "e"}));
  CHECK(set.Contains({"b"}));
  CHECK_FALSE(set.Contains({"c"}));
  set.Remove(Set({"a", "c", "e"}));
  CHECK(set == Set({"b", "d"}));
}

TEST_CASE("a leaf that counts through one aggregator counts through no other") {
  LeafLedger ledger;
  CHECK(ledger.Count(kNorth, 1, Set({"a", "b", "c"})) ==
        SumVerdict(SumCounts{}));
  const LeafLedger before = ledger;
  const SumVerdict verdict = ledger.Count(kSouth, 1, Set({"b", "c", "d"}));
  CHECK(verdict == SumVerdict(LeavesOverlap{Set({"b", "c"})}));
  CHECK(Describe(verdict, kSouth, ledger) == "b counts through north; 1 more");
  CHECK(ledger == before);
  CHECK(ledger.CountByItself({"a"}) == SumVerdict(LeavesOverlap{Set({"a"})}));
  // Without them it counts.
  CHECK(ledger.Count(kSouth, 1, Set({"d"})) == SumVerdict(SumCounts{}));
  CHECK(ledger.CountByItself({"e"}) == SumVerdict(SumCounts{}));
  CHECK(ledger.Leaves() == Set({"a", "b", "c", "d", "e"}));
  CHECK(ledger.Through({"d"}) == kSouth);
  CHECK(ledger.Through({"e"}) == ClientId{"e"});
  CHECK_FALSE(ledger.Through({"f"}).has_value());
}

TEST_CASE("the same sum again is acknowledged again, another is not taken") {
  LeafLedger ledger;
  REQUIRE(ledger.Count(kNorth, 1, Set({"a"})) == SumVerdict(SumCounts{}));
  CHECK(ledger.Count(kNorth, 1, Set({"a"})) == SumVerdict(SumCountsAlready{}));
  CHECK(ledger.Count(kNorth, 1, Set({"a", "b"})) ==
        SumVerdict(OtherSumCounts{}));
  CHECK(ledger.Count(kNorth, 2, Set({"b"})) == SumVerdict(OtherSumCounts{}));
  CHECK(ledger.size() == 1);
}

TEST_CASE(
    "a sum of an epoch that is over does not count, one that does stays") {
  LeafLedger ledger;
  REQUIRE(ledger.Count(kNorth, 3, Set({"a"})) == SumVerdict(SumCounts{}));
  ledger.Fence(kNorth, 4);
  ledger.Fence(kSouth, 5);
  ledger.Fence(kSouth, 2);  // never goes back
  CHECK(ledger.Count(kNorth, 3, Set({"a"})) == SumVerdict(SumCountsAlready{}));
  CHECK(ledger.Through({"a"}) == kNorth);
  const SumVerdict verdict = ledger.Count(kSouth, 4, Set({"b"}));
  CHECK(verdict == SumVerdict(EpochIsOver{5}));
  CHECK(Describe(verdict, kSouth, ledger) ==
        "that epoch of south is over, 5 has begun");
  CHECK(ledger.Count(kSouth, 5, Set({"b"})) == SumVerdict(SumCounts{}));
}

TEST_CASE("a sum holds 2^20 leaves and no more") {
  std::vector<ClientId> many;
  for (int i = 0; i < 1 << 20; ++i) {
    many.push_back({std::to_string((1 << 20) + i)});
  }
  LeafLedger ledger;
  REQUIRE(ledger.Count(kNorth, 1, LeafSet::Make(std::move(many)).value()) ==
          SumVerdict(SumCounts{}));
  const SumVerdict verdict = ledger.CountByItself({"a"});
  CHECK(verdict == SumVerdict(TooManyLeaves{(1 << 20) + 1}));
  CHECK(Describe(verdict, {"a"}, ledger) ==
        "with it the sum would have 1048577 leaves, and it holds 1048576");
}

}  // namespace
}  // namespace tributary::round
