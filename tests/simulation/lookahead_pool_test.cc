// SPDX-License-Identifier: Apache-2.0
#include "simulation/lookahead_pool.h"

#include <atomic>
#include <vector>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

using Demand = LookaheadPool::Demand;
using Need = LookaheadPool::Need;

round::Instant At(int milliseconds) {
  return round::Instant(round::Duration(milliseconds));
}

TEST_CASE("every awaited job is done once, however many threads") {
  for (const int workers : {1, 2, 4}) {
    LookaheadPool pool(workers);
    std::vector<std::atomic<int>> done(100);
    std::vector<LookaheadPool::JobId> jobs;
    for (int i = 0; i < 100; ++i) {
      jobs.push_back(pool.Submit({.due = At(i)}, [&done, i] { ++done[i]; }));
    }
    for (int i = 0; i < 100; ++i) {
      pool.Await(jobs[i], 0);
      CHECK(done[i] == 1);
    }
  }
}

// The limit on what is done ahead must not stop what is due earliest.
TEST_CASE("a job that was submitted late and is due first can be awaited") {
  LookaheadPool pool(2);
  std::atomic<int> done = 0;
  std::vector<LookaheadPool::JobId> later;
  for (int i = 0; i < 50; ++i) {
    later.push_back(pool.Submit({.due = At(1000 + i)}, [&] { ++done; }));
  }
  std::atomic<bool> first = false;
  pool.Await(pool.Submit({.due = At(1)}, [&] { first = true; }), 0);
  CHECK(first);
  for (const auto job : later) pool.Await(job, 0);
  CHECK(done == 50);
}

TEST_CASE("a dropped job that has not begun is never done") {
  LookaheadPool pool(1);
  bool done = false;
  pool.Drop(pool.Submit({.due = At(1)}, [&] { done = true; }));
  CHECK_FALSE(done);
}

// One thread beside the owner. The costliest job is due last; begun last, it
// alone would keep everything waiting.
TEST_CASE("a job that costs as much as the rest is begun first") {
  LookaheadPool pool(2);
  std::atomic<bool> is_begun = false;
  std::vector<LookaheadPool::JobId> small;
  const auto large = pool.Submit({.due = At(1000), .cost = 100}, [&] {
    is_begun = true;
    is_begun.notify_all();
  });
  for (int i = 0; i < 100; ++i) {
    small.push_back(
        pool.Submit({.due = At(i), .cost = 1}, [&] { is_begun.wait(false); }));
  }
  for (const auto job : small) pool.Await(job, 0);
  pool.Await(large, 0);
  CHECK(is_begun);
}

// Ten clients were asked and six are wanted: those due first.
TEST_CASE("of jobs that may be dropped no more are done than are wanted") {
  for (const int workers : {1, 2, 4}) {
    LookaheadPool pool(workers);
    std::vector<std::atomic<bool>> done(10);
    std::vector<LookaheadPool::JobId> jobs;
    for (int i = 0; i < 10; ++i) {
      jobs.push_back(
          pool.Submit({.due = At(i), .cost = 1, .need = Need::kPerhaps},
                      [&done, i] { done[i] = true; }));
    }
    for (int i = 0; i < 6; ++i) pool.Await(jobs[i], 6 - i);
    for (int i = 6; i < 10; ++i) pool.Drop(jobs[i]);
    CHECK(pool.wasted() == 0);
    for (int i = 0; i < 10; ++i) CHECK(done[i] == (i < 6));
  }
}

// The first one ends when the second has begun, so nothing ends if nothing is
// begun ahead.
TEST_CASE("jobs that are wanted are begun ahead though some may be dropped") {
  LookaheadPool pool(2);
  std::atomic<bool> is_begun = false;
  const Demand first{.due = At(1), .cost = 1, .need = Need::kPerhaps};
  const auto awaited = pool.Submit(first, [&] { is_begun.wait(false); });
  const Demand second{.due = At(2), .cost = 1, .need = Need::kPerhaps};
  const auto ahead = pool.Submit(second, [&] {
    is_begun = true;
    is_begun.notify_all();
  });
  pool.Await(awaited, 2);
  CHECK(is_begun);
  pool.Await(ahead, 1);
}

TEST_CASE("a job needed for certain does not wait for those that are not") {
  LookaheadPool pool(2);
  std::atomic<bool> is_begun = false;
  const auto perhaps =
      pool.Submit({.due = At(1), .need = Need::kPerhaps}, [] {});
  const auto certain = pool.Submit({.due = At(2), .cost = 1}, [&] {
    is_begun = true;
    is_begun.notify_all();
  });
  is_begun.wait(false);
  pool.Await(certain, 0);
  pool.Drop(perhaps);
  CHECK(pool.wasted() == 0);
}

TEST_CASE("what was begun and dropped is counted as wasted") {
  LookaheadPool pool(2);
  std::atomic<bool> is_begun = false;
  const auto job = pool.Submit({.due = At(1)}, [&] {
    is_begun = true;
    is_begun.notify_all();
  });
  is_begun.wait(false);
  pool.Drop(job);
  CHECK(pool.wasted() == 1);
}

}  // namespace
}  // namespace tributary::simulation
