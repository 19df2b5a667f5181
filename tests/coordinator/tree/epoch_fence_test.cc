// SPDX-License-Identifier: Apache-2.0
#include "coordinator/tree/epoch_fence.h"

#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "privacy/crypto/random.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

// A process of the aggregator, as far as its parent can tell them apart.
struct Process {
  std::uint64_t stored = 0;      // on its disk
  std::uint64_t session = 0;     // of its stream; 0: none
  std::set<std::uint64_t> used;  // sessions whose work is on its disk
};

TEST_CASE("an aggregator that comes back with its disk goes on in its epoch") {
  EpochFence fence;
  const AggregatorSession first = fence.Join(0);
  CHECK(first.IsFresh());
  CHECK(fence.Use(first.session));
  const AggregatorSession second = fence.Join(first.session);
  CHECK_FALSE(second.IsFresh());
  CHECK(second.epoch == first.epoch);
  CHECK(fence.Use(second.session));
  CHECK(fence.epoch() == first.epoch);
}

TEST_CASE(
    "one that lost its disk begins an epoch, and the one before is over") {
  EpochFence fence;
  const AggregatorSession first = fence.Join(0);
  REQUIRE(fence.Use(first.session));
  const AggregatorSession second = fence.Join(0);
  CHECK(second.IsFresh());
  // Not yet: nobody has heard of it.
  CHECK(fence.epoch() == first.epoch);
  CHECK(fence.Use(second.session));
  CHECK(fence.epoch() == second.epoch);
  // The process from before was only asleep.
  CHECK_FALSE(fence.Use(first.session));
  CHECK(fence.Join(first.session).IsFresh());
}

TEST_CASE("a welcome that is lost ends no epoch") {
  EpochFence fence;
  const AggregatorSession first = fence.Join(0);
  REQUIRE(fence.Use(first.session));
  fence.Join(first.session);
  fence.Join(first.session);
  const AggregatorSession heard = fence.Join(first.session);
  CHECK(heard.epoch == first.epoch);
  // Stored, and then the stream broke before anything was said in it.
  const AggregatorSession again = fence.Join(heard.session);
  CHECK(again.epoch == first.epoch);
  CHECK(fence.Use(again.session));
}

TEST_CASE("of two processes with one name the last that joined is heard") {
  EpochFence fence;
  const AggregatorSession first = fence.Join(0);
  REQUIRE(fence.Use(first.session));
  const AggregatorSession other = fence.Join(0);
  CHECK_FALSE(fence.Use(first.session));
  // The other was never heard: nothing is lost.
  const AggregatorSession back = fence.Join(first.session);
  CHECK(back.epoch == first.epoch);
  CHECK_FALSE(fence.Use(other.session));
  CHECK(fence.Use(back.session));
  CHECK(fence.Join(other.session).IsFresh());
}

TEST_CASE("nothing counts in a session that was not given out") {
  EpochFence fence;
  CHECK_FALSE(fence.Use(0));
  CHECK_FALSE(fence.Use(1));
  const AggregatorSession first = fence.Join(0);
  CHECK_FALSE(fence.Use(first.session + 1));
  CHECK(fence.Join(first.session + 10).IsFresh());
}

// Whoever works in an epoch has all that was worked in it before, whatever is
// lost, restored from a copy, or awake twice. Copies are of disks whose newest
// session was worked in: what a process does after it was copied, within one
// session, its parent cannot see.
TEST_CASE("an epoch is one unbroken history of a disk") {
  CHECK(rc::check([](std::uint64_t seed) {
    KeyedStream random(KeyFromSeed(seed));
    EpochFence fence;
    std::array<Process, 3> processes;
    std::map<std::uint64_t, std::set<std::uint64_t>> used;  // by epoch
    for (int move = 0; move < 80; ++move) {
      Process& process = processes[random.Below(processes.size())];
      switch (random.Below(6)) {
        case 0: {
          const AggregatorSession welcome = fence.Join(process.stored);
          RC_ASSERT(welcome.session > process.stored);
          if (random.Below(4) == 0) break;  // lost
          if (welcome.IsFresh()) process.used.clear();
          process.stored = process.session = welcome.session;
          break;
        }
        case 1:
        case 2:
        case 3:
          if (fence.Use(process.session)) {
            std::set<std::uint64_t>& all = used[fence.epoch()];
            RC_ASSERT(std::ranges::includes(process.used, all));
            all.insert(process.session);
            process.used.insert(process.session);
          }
          break;
        case 4:
          process.session = 0;
          if (random.Below(4) == 0) process = {};
          break;
        case 5:
          if (random.Below(4) == 0 && process.used.contains(process.stored)) {
            Process& copy = processes[random.Below(processes.size())];
            copy = process;
            copy.session = 0;
          }
          break;
      }
      // Kept and read again: the same.
      fence = EpochFence(fence.used(), fence.offered());
    }
  }));
}

}  // namespace
}  // namespace tributary::coordinator
