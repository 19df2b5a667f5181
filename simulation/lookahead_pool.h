// SPDX-License-Identifier: Apache-2.0
// Work that is due at instants of virtual time, done ahead of them by threads.
// What the work gives depends on nothing but itself, so when and where it is
// done never changes a simulation.
//
//   JobId job = pool.Submit(when_done, [&] { ... });
//   ...                                    // virtual time reaches when_done
//   pool.Await(job);                       // done now, by a thread or right
//   here
//
// Threads: the owner's thread calls every method; jobs run on the pool's
// threads or, in Await, on the owner's. Lifetime: the destructor drops what has
// not begun and waits for the rest.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "coordinator/round/types.h"

namespace tributary::simulation {

class LookaheadPool {
 public:
  using JobId = std::uint64_t;

  // `workers` - 1 threads, as the owner works too. At most 4 x workers jobs are
  // begun and not awaited: results made ahead are what costs memory.
  explicit LookaheadPool(int workers);
  ~LookaheadPool();
  LookaheadPool(const LookaheadPool&) = delete;
  LookaheadPool& operator=(const LookaheadPool&) = delete;

  // Jobs are begun in the order of their instants, then of submission.
  JobId Submit(round::Instant due, std::function<void()> work);
  // Returns once the job is done.
  void Await(JobId job);
  // The job is not wanted any more. If it runs now, returns once it is done.
  void Drop(JobId job);

 private:
  enum class State { kPending, kRunning, kDone };
  struct Job {
    State state = State::kPending;
    round::Instant due;
    std::function<void()> work;
  };

  void RunJobs();

  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<JobId, Job> jobs_;
  std::set<std::pair<round::Instant, JobId>> pending_;
  JobId next_id_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tributary::simulation
