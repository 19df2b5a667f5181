// SPDX-License-Identifier: Apache-2.0
#include "simulation/lookahead_pool.h"

#include <algorithm>

namespace tributary::simulation {

LookaheadPool::LookaheadPool(int workers)
    : workers_(static_cast<std::size_t>(workers)) {
  for (int i = 1; i < workers; ++i) {
    threads_.emplace_back([this] { RunJobs(); });
  }
}

LookaheadPool::~LookaheadPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

LookaheadPool::JobId LookaheadPool::Submit(const Demand& demand,
                                           std::function<void()> work) {
  std::lock_guard lock(mutex_);
  const JobId id = next_id_++;
  const Job& job =
      jobs_.emplace(id, Job{State::kPending, demand, std::move(work)})
          .first->second;
  PendingLike(job).insert({demand.due, id});
  if (demand.need == Need::kCertain) {
    by_cost_.insert({demand.cost, id});
    pending_cost_ += demand.cost;
  }
  changed_.notify_all();
  return id;
}

void LookaheadPool::Await(JobId job, std::size_t wanted) {
  std::unique_lock lock(mutex_);
  const Job& entry = jobs_.at(job);
  wanted_ = wanted;
  changed_.notify_all();
  if (entry.state == State::kPending) Run(lock, job);
  while (entry.state != State::kDone) {
    if (MayBegin()) {
      Run(lock, Choose());
    } else {
      changed_.wait(lock);
    }
  }
  if (entry.demand.need == Need::kPerhaps) {
    --perhaps_begun_;
    wanted_ -= std::min<std::size_t>(wanted_, 1);
  }
  jobs_.erase(job);
  changed_.notify_all();
}

void LookaheadPool::Drop(JobId job) {
  std::unique_lock lock(mutex_);
  const Job& entry = jobs_.at(job);
  if (entry.state == State::kPending) {
    TakePending(job);
  } else {
    ++wasted_;
    changed_.wait(lock, [&] { return entry.state == State::kDone; });
  }
  if (entry.demand.need == Need::kPerhaps) --perhaps_begun_;
  jobs_.erase(job);
  changed_.notify_all();
}

void LookaheadPool::RunJobs() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || MayBegin(); });
    if (stopping_) return;
    Run(lock, Choose());
  }
}

std::set<LookaheadPool::Due>& LookaheadPool::PendingLike(const Job& job) {
  return job.demand.need == Need::kCertain ? certain_ : perhaps_;
}

// Jobs in the map that are not pending are begun and not awaited.
bool LookaheadPool::MayBegin() const {
  const std::size_t begun = jobs_.size() - certain_.size() - perhaps_.size();
  return begun < kAheadPerWorker * workers_ &&
         (!certain_.empty() || MayBeginPerhaps());
}

bool LookaheadPool::MayBeginPerhaps() const {
  return !perhaps_.empty() && perhaps_begun_ < wanted_;
}

LookaheadPool::JobId LookaheadPool::Choose() const {
  if (certain_.empty()) return perhaps_.begin()->second;
  const auto [cost, costliest] = *by_cost_.rbegin();
  if (cost > 0 && cost * workers_ >= pending_cost_) return costliest;
  const Due& first = *certain_.begin();
  if (MayBeginPerhaps()) return std::min(first, *perhaps_.begin()).second;
  return first.second;
}

void LookaheadPool::TakePending(JobId id) {
  const Job& job = jobs_.at(id);
  PendingLike(job).erase({job.demand.due, id});
  if (job.demand.need == Need::kPerhaps) {
    ++perhaps_begun_;
    return;
  }
  by_cost_.erase({job.demand.cost, id});
  pending_cost_ -= job.demand.cost;
}

void LookaheadPool::Run(std::unique_lock<std::mutex>& lock, JobId id) {
  TakePending(id);
  Job& entry = jobs_.at(id);
  entry.state = State::kRunning;
  lock.unlock();
  entry.work();
  lock.lock();
  entry.state = State::kDone;
  changed_.notify_all();
}

}  // namespace tributary::simulation
