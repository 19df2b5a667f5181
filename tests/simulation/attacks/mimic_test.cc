// SPDX-License-Identifier: Apache-2.0
#include "simulation/attacks/mimic.h"

#include <set>
#include <vector>

#include "tests/catch.h"

namespace tributary::attacks {
namespace {

using Rows = std::vector<std::vector<float>>;

std::size_t Choose(MimicTarget& target, const Rows& honest) {
  return target.Choose(
      std::vector<std::span<const float>>(honest.begin(), honest.end()));
}

// They differ along (1, 1, 0) most, where rows 1 and 4 stand at the ends; which
// end it is depends on where z begins.
TEST_CASE("the copied client stands at an end of what differs most") {
  const Rows honest = {
      {0, 0, 1}, {5, 5, 0}, {1, 1, -1}, {-1, 0, 1}, {-6, -5, 0}};
  std::set<std::size_t> chosen;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    KeyedStream random(KeyFromSeed(seed));
    MimicTarget target(3, random);
    for (int round = 0; round < 3; ++round) {
      chosen.insert(Choose(target, honest));
    }
  }
  CHECK(chosen == std::set<std::size_t>{1, 4});
}

// Round 0 differs along the first axis alone, so z is that axis. In round 1
// the mean mu is (0, 0) and c along the second axis is 0 for a z without it: z
// stays, and the second axis, where rows differ most now, is not followed.
TEST_CASE("the direction is that of all rounds so far") {
  KeyedStream random(KeyFromSeed(3));
  MimicTarget target(2, random);
  const std::size_t first = Choose(target, {{1, 0}, {-1, 0}});
  CHECK(Choose(target, {{1, -9}, {-1, -9}, {0, 18}}) == first);
}

TEST_CASE("of honest updates that do not differ the first is copied") {
  KeyedStream random(KeyFromSeed(4));
  MimicTarget target(2, random);
  CHECK(Choose(target, {{1, 2}, {1, 2}, {1, 2}}) == 0);
}

}  // namespace
}  // namespace tributary::attacks
