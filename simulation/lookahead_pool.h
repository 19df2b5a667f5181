// SPDX-License-Identifier: Apache-2.0
// Work that is due at instants of virtual time, done ahead of them by threads.
// What the work gives depends on nothing but itself, so when and where it is
// done never changes a simulation.
//
//   JobId job = pool.Submit({.due = when_done, .cost = examples},
//                           [&] { ... });
//   ...                       // virtual time reaches when_done
//   pool.Await(job, wanted);  // done now, by a thread or right here
//
// Jobs are begun earliest due first, as the earliest is awaited next and the
// latest may be dropped; of those that may be, no more than are wanted. But
// longest first (Graham 1969) where it matters: the costliest job that is
// needed for certain is begun as soon as it alone would keep the others waiting
// at the end, that is when its cost is at least an equal share of all that is
// pending.
//
// Threads: the owner's thread calls every method; jobs run on the pool's
// threads or, in Await, on the owner's. Lifetime: the destructor drops what has
// not begun and waits for the rest.
#pragma once

#include <condition_variable>
#include <cstddef>
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

  // Whether all such jobs are awaited, or some will be dropped.
  enum class Need { kCertain, kPerhaps };
  struct Demand {
    round::Instant due;
    // In any unit, the same for all jobs.
    std::uint64_t cost = 0;
    Need need = Need::kCertain;
  };
  // Begun and not awaited, at most, for each worker: results made ahead are
  // what costs memory.
  static constexpr std::size_t kAheadPerWorker = 4;

  // `workers` - 1 threads, as the owner works too.
  explicit LookaheadPool(int workers);
  ~LookaheadPool();
  LookaheadPool(const LookaheadPool&) = delete;
  LookaheadPool& operator=(const LookaheadPool&) = delete;

  JobId Submit(const Demand& demand, std::function<void()> work);
  // Returns once the job is done. Until then the owner works on others.
  // `wanted`: of how many jobs that may be dropped the results can be of use
  // now, this one's included if it is one; those due first are begun ahead, and
  // none before the first Await.
  void Await(JobId job, std::size_t wanted);
  // The job is not wanted any more. If it runs now, returns once it is done.
  void Drop(JobId job);
  // Jobs that were begun and dropped: work for nothing.
  std::uint64_t wasted() const { return wasted_; }

 private:
  enum class State { kPending, kRunning, kDone };
  struct Job {
    State state = State::kPending;
    Demand demand;
    std::function<void()> work;
  };

  using Due = std::pair<round::Instant, JobId>;

  void RunJobs();
  std::set<Due>& PendingLike(const Job& job);
  bool MayBegin() const;
  bool MayBeginPerhaps() const;
  // Runs the job with the mutex released meanwhile.
  void Run(std::unique_lock<std::mutex>& lock, JobId id);
  // Of those that may begin, which there are, the one to begin next.
  JobId Choose() const;
  void TakePending(JobId id);

  const std::size_t workers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<JobId, Job> jobs_;
  // Pending, needed for certain, and what they cost.
  std::set<Due> certain_;
  std::set<std::pair<std::uint64_t, JobId>> by_cost_;
  std::uint64_t pending_cost_ = 0;
  // Pending, and may be dropped; how many such are begun and not awaited, and
  // how many were wanted when it was said last.
  std::set<Due> perhaps_;
  std::size_t perhaps_begun_ = 0;
  std::size_t wanted_ = 0;
  JobId next_id_ = 0;
  std::uint64_t wasted_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tributary::simulation
