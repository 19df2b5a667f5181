// SPDX-License-Identifier: Apache-2.0
#include "simulation/shared_work.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tributary/v1/ranks.pb.h"

namespace tributary::simulation {
namespace {

using Need = SharedWork::Need;

// Of a rank, for results that are not awaited yet.
constexpr std::uint64_t kResultBytes = std::uint64_t{256} << 20;

// Of a window for each worker, so that the last jobs of one do not keep many
// workers waiting.
constexpr std::uint64_t kFewestPerWorker = 4;

// Results are made and freed in windows. By default the allocator would give
// their pages back after each one and take them anew, zeroed, for the next:
// time that a small job feels.
void KeepFreedMemory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the largest that is taken
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

}  // namespace

SharedWork::SharedWork(Ranks& ranks, int workers, std::uint64_t result_bytes)
    : ranks_(ranks), pool_(workers) {
  if (IsAlone()) return;
  KeepFreedMemory();
  const auto all = ranks_.Gather(absl::StrCat(workers));
  if (!all.ok()) {
    status_ = all.status();
    return;
  }
  for (const std::string& text : *all) {
    std::uint64_t number = 0;
    if (!absl::SimpleAtoi(text, &number) || number == 0) {
      status_ = absl::DataLossError(
          absl::StrCat("a rank says it has '", text, "' workers"));
      return;
    }
    workers_.push_back(number);
  }
  const std::uint64_t all_workers =
      std::accumulate(workers_.begin(), workers_.end(), std::uint64_t{0});
  most_in_window_ = static_cast<std::size_t>(
      std::max(kFewestPerWorker * all_workers,
               workers_.size() *
                   (kResultBytes / std::max<std::uint64_t>(1, result_bytes))));
}

SharedWork::JobId SharedWork::Submit(const Demand& demand, Job& job) {
  const JobId id = next_id_++;
  Entry& entry = entries_[id];
  entry.demand = demand;
  entry.job = &job;
  if (IsAlone()) {
    GiveToPool(entry);
  } else {
    pending_.insert({demand.due, id});
  }
  return id;
}

void SharedWork::GiveToPool(Entry& entry) {
  const Demand& demand = entry.demand;
  // What is dealt out to this rank is done whatever comes.
  entry.in_pool =
      pool_.Submit({.due = demand.due,
                    .cost = demand.cost,
                    .need = IsAlone() ? demand.need : Need::kCertain},
                   [job = entry.job] { job->Do(); });
}

void SharedWork::Await(JobId job, std::size_t wanted) {
  const auto found = entries_.find(job);
  if (IsAlone()) {
    pool_.Await(*found->second.in_pool, wanted);
  } else {
    if (!found->second.is_dealt && status_.ok()) {
      status_ = ShareWindow(ChooseWindow(job, wanted));
    }
    pending_.erase({found->second.demand.due, job});
    if (found->second.is_dealt && found->second.demand.need == Need::kPerhaps) {
      --perhaps_;
    }
  }
  entries_.erase(found);
}

void SharedWork::Drop(JobId job) {
  const auto found = entries_.find(job);
  const Entry& entry = found->second;
  if (entry.in_pool) pool_.Drop(*entry.in_pool);
  pending_.erase({entry.demand.due, job});
  if (entry.is_dealt && entry.demand.need == Need::kPerhaps) --perhaps_;
  entries_.erase(found);
}

bool SharedWork::IsHome(std::size_t home) const {
  const auto ranks = static_cast<std::size_t>(ranks_.size());
  return home % ranks == static_cast<std::size_t>(ranks_.rank());
}

std::vector<SharedWork::JobId> SharedWork::ChooseWindow(
    JobId awaited, std::size_t wanted) const {
  std::vector<JobId> window = {awaited};
  const auto may_be_dropped = [this](JobId id) {
    return entries_.at(id).demand.need == Need::kPerhaps;
  };
  // What was dealt out before and is still to come is wanted as well.
  std::size_t perhaps = perhaps_ + (may_be_dropped(awaited) ? 1 : 0);
  for (const auto& [due, id] : pending_) {
    if (window.size() >= most_in_window_) break;
    if (id == awaited) continue;
    if (may_be_dropped(id)) {
      if (perhaps >= wanted) continue;
      ++perhaps;
    }
    window.push_back(id);
  }
  return window;
}

std::vector<int> SharedWork::DealOut(const std::vector<JobId>& window) const {
  const std::size_t ranks = workers_.size();
  std::vector<int> doers(window.size());
  std::vector<std::uint64_t> load(ranks);
  std::vector<std::size_t> free;
  const auto give = [&](std::size_t position, std::size_t rank) {
    doers[position] = static_cast<int>(rank);
    // No job is for nothing: where all costs are 0 they are dealt out evenly.
    load[rank] +=
        std::max<std::uint64_t>(1, entries_.at(window[position]).demand.cost);
  };
  for (std::size_t i = 0; i < window.size(); ++i) {
    const auto& home = entries_.at(window[i]).demand.home;
    if (home) {
      give(i, *home % ranks);
    } else {
      free.push_back(i);
    }
  }
  std::ranges::stable_sort(free, [&](std::size_t a, std::size_t b) {
    return entries_.at(window[a]).demand.cost >
           entries_.at(window[b]).demand.cost;
  });
  for (const std::size_t position : free) {
    std::size_t idlest = 0;
    for (std::size_t rank = 1; rank < ranks; ++rank) {
      // load / workers, without rounding.
      if (load[rank] * workers_[idlest] < load[idlest] * workers_[rank]) {
        idlest = rank;
      }
    }
    give(position, idlest);
  }
  return doers;
}

absl::Status SharedWork::ShareWindow(const std::vector<JobId>& window) {
  const std::vector<int> doers = DealOut(window);
  const int self = ranks_.rank();
  for (std::size_t i = 0; i < window.size(); ++i) {
    Entry& entry = entries_.at(window[i]);
    entry.is_dealt = true;
    pending_.erase({entry.demand.due, window[i]});
    if (entry.demand.need == Need::kPerhaps) ++perhaps_;
    if (doers[i] == self) GiveToPool(entry);
  }
  v1::WindowOutcomes own;
  for (std::size_t i = 0; i < window.size(); ++i) {
    if (doers[i] != self) continue;
    Entry& entry = entries_.at(window[i]);
    pool_.Await(*std::exchange(entry.in_pool, std::nullopt), 0);
    own.add_outcomes(entry.job->Outcome());
  }
  const auto gathered = ranks_.Gather(own.SerializeAsString());
  if (!gathered.ok()) return gathered.status();
  std::vector<v1::WindowOutcomes> outcomes(gathered->size());
  for (std::size_t rank = 0; rank < outcomes.size(); ++rank) {
    const auto dealt = std::ranges::count(doers, static_cast<int>(rank));
    if (!outcomes[rank].ParseFromString((*gathered)[rank]) ||
        outcomes[rank].outcomes_size() != dealt) {
      return absl::DataLossError(absl::StrCat(
          "rank ", rank, " did not do the ", dealt, " jobs that it was to do"));
    }
  }
  std::vector<int> next(outcomes.size());
  for (std::size_t i = 0; i < window.size(); ++i) {
    const auto doer = static_cast<std::size_t>(doers[i]);
    const std::string& outcome = outcomes[doer].outcomes(next[doer]++);
    if (doers[i] == self) continue;
    if (auto learnt = entries_.at(window[i]).job->Learn(outcome);
        !learnt.ok()) {
      return learnt;
    }
  }
  return absl::OkStatus();
}

}  // namespace tributary::simulation
