// SPDX-License-Identifier: Apache-2.0
#include "simulation/hold_out.h"

#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

std::vector<std::uint32_t> Together(const HeldOut& parts, std::size_t client) {
  const auto train = parts.train.Of(client);
  const auto test = parts.test.Of(client);
  std::vector<std::uint32_t> all(train.begin(), train.end());
  all.insert(all.end(), test.begin(), test.end());
  std::ranges::sort(all);
  return all;
}

TEST_CASE("what is held out and what is not are what was there") {
  CHECK(rc::check([] {
    const auto clients = *rc::gen::inRange<std::size_t>(1, 12);
    const auto part_of = *rc::gen::container<std::vector<std::uint32_t>>(
        rc::gen::inRange<std::uint32_t>(0,
                                        static_cast<std::uint32_t>(clients)));
    const double fraction = *rc::gen::inRange(1, 90) / 100.0;
    const Partition whole(part_of, clients, 2);
    const HeldOut parts = HoldOut(whole, fraction, KeyFromSeed(3));
    RC_ASSERT(parts.train.clients() == whole.clients());
    RC_ASSERT(parts.test.clients() == whole.clients());
    for (std::size_t k = 0; k < whole.clients(); ++k) {
      const auto before = whole.Of(k);
      RC_ASSERT(Together(parts, k) ==
                std::vector<std::uint32_t>(before.begin(), before.end()));
      RC_ASSERT(std::ranges::is_sorted(parts.train.Of(k)));
      RC_ASSERT(std::ranges::is_sorted(parts.test.Of(k)));
      const auto wanted = static_cast<std::size_t>(
          fraction * static_cast<double>(before.size()));
      RC_ASSERT(parts.test.Of(k).size() ==
                (wanted == 0 && before.size() > 1 ? 1 : wanted));
      // Nobody is left with nothing to train on.
      RC_ASSERT(before.empty() || !parts.train.Of(k).empty());
    }
  }));
}

TEST_CASE("adversaries keep nothing to judge models on") {
  Partition whole(std::vector<std::uint32_t>(100, 0), 1);
  whole.AddAdversaries(3);
  const HeldOut parts = HoldOut(whole, 0.2, KeyFromSeed(1));
  CHECK(parts.train.clients() == 4);
  CHECK(std::ranges::equal(parts.train.Of(2), parts.train.Of(0)));
  CHECK(parts.test.clients() == 1);
}

TEST_CASE("the run's key decides what is held out") {
  const std::vector<std::uint32_t> part_of(100, 0);
  const Partition whole(part_of, 1);
  const auto test_of = [&](std::uint64_t seed) {
    const HeldOut parts = HoldOut(whole, 0.2, KeyFromSeed(seed));
    const auto test = parts.test.Of(0);
    return std::vector<std::uint32_t>(test.begin(), test.end());
  };
  CHECK(test_of(1).size() == 20);
  CHECK(test_of(1) == test_of(1));
  CHECK(test_of(1) != test_of(2));
  // At random, not the file's end.
  CHECK(test_of(1).front() < 80);
}

}  // namespace
}  // namespace tributary::simulation
