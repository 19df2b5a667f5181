// SPDX-License-Identifier: Apache-2.0
// The work of a simulation, shared between the ranks that make it. Every rank
// submits, awaits and drops the same jobs in the same order, as every rank
// drives the same virtual world; each job is done by one of them, and the
// others learn what of its outcome they need.
//
//   JobId job = work.Submit({.due = when_done, .cost = examples}, training);
//   ...                        // virtual time reaches when_done
//   work.Await(job, wanted);   // done by this rank, or learnt from another
//
// A message for each job would cost more than a small job does. So jobs are
// shared in windows: when one is awaited whose outcome is not known yet, the
// earliest due of all that are pending are dealt out, longest first, each to
// the rank that has least to do for its workers (Graham 1969); each rank does
// its own, and one exchange tells all outcomes. Jobs with a home are done by
// the rank that all jobs of that home are done by, for what it keeps there.
//
// A window has no more jobs than memory for their results allows, and of those
// that may be dropped no more than are wanted. With one rank there are no
// windows: the pool works ahead, with the same limits
// (simulation/lookahead_pool.h).
//
// Threads: the owner's thread calls every method; jobs run on workers or in
// Await. Lifetime: the ranks outlive it, a job outlives its Await or Drop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "simulation/lookahead_pool.h"
#include "simulation/ranks/ranks.h"

namespace tributary::simulation {

class SharedWork {
 public:
  using JobId = std::uint64_t;
  using Need = LookaheadPool::Need;

  class Job {
   public:
    virtual ~Job() = default;
    // By one rank. What it gives depends on nothing but the job.
    virtual void Do() = 0;
    // After Do: what the other ranks need to know.
    virtual std::string Outcome() const = 0;
    // Instead of Do. DataLoss if that is no outcome of this job.
    virtual absl::Status Learn(std::string_view outcome) = 0;
  };

  struct Demand {
    round::Instant due;
    // In any unit, the same for all jobs.
    std::uint64_t cost = 0;
    Need need = Need::kCertain;
    // Jobs of the same home are done by the same rank; nothing: by any.
    std::optional<std::size_t> home = {};
  };

  // Collective: the ranks may have different numbers of workers, at least 1
  // each. `result_bytes`: what a job's result may take in memory until it is
  // awaited. An error of the exchange shows in status().
  SharedWork(Ranks& ranks, int workers, std::uint64_t result_bytes);

  JobId Submit(const Demand& demand, Job& job);
  // Returns once the job is done or its outcome is learnt, unless status() is
  // an error afterwards. `wanted`: how many of the jobs that may be dropped
  // can be of use now, this one included.
  void Await(JobId job, std::size_t wanted);
  // The job is not wanted any more. If it runs now, returns once it is done.
  void Drop(JobId job);

  // Whether this rank does the jobs of that home.
  bool IsHome(std::size_t home) const;

  // Why nothing can be shared any more, once that is so.
  const absl::Status& status() const { return status_; }

 private:
  struct Entry {
    Demand demand;
    Job* job = nullptr;
    // Set while the pool has it.
    std::optional<LookaheadPool::JobId> in_pool;
    // With several ranks: whether a window has dealt it out.
    bool is_dealt = false;
  };
  using Due = std::pair<round::Instant, JobId>;

  bool IsAlone() const { return ranks_.size() == 1; }
  void GiveToPool(Entry& entry);
  // The jobs of the next window, earliest due first, the awaited one included.
  std::vector<JobId> ChooseWindow(JobId awaited, std::size_t wanted) const;
  // By position in the window, who does each job.
  std::vector<int> DealOut(const std::vector<JobId>& window) const;
  absl::Status ShareWindow(const std::vector<JobId>& window);

  Ranks& ranks_;
  LookaheadPool pool_;
  std::vector<std::uint64_t> workers_;  // by rank
  std::size_t most_in_window_ = 1;
  std::map<JobId, Entry> entries_;
  std::set<Due> pending_;    // not dealt out yet
  std::size_t perhaps_ = 0;  // dealt out, may be dropped, not awaited
  JobId next_id_ = 0;
  absl::Status status_;
};

}  // namespace tributary::simulation
