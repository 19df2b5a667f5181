// SPDX-License-Identifier: Apache-2.0
#include "simulation/lookahead_pool.h"

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
  jobs_.emplace(id, Job{State::kPending, demand, std::move(work)});
  by_due_.insert({demand.due, id});
  by_cost_.insert({demand.cost, id});
  pending_cost_ += demand.cost;
  changed_.notify_all();
  return id;
}

void LookaheadPool::Await(JobId job) {
  std::unique_lock lock(mutex_);
  const Job& entry = jobs_.at(job);
  if (entry.state == State::kPending) Run(lock, job);
  while (entry.state != State::kDone) {
    if (MayBegin()) {
      Run(lock, Choose());
    } else {
      changed_.wait(lock);
    }
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

// Jobs in the map that are not pending are begun and not awaited.
bool LookaheadPool::MayBegin() const {
  return !by_due_.empty() && jobs_.size() - by_due_.size() < 4 * workers_;
}

LookaheadPool::JobId LookaheadPool::Choose() const {
  const auto [cost, costliest] = *by_cost_.rbegin();
  const bool is_critical = cost > 0 && cost * workers_ >= pending_cost_;
  return is_critical ? costliest : by_due_.begin()->second;
}

void LookaheadPool::TakePending(JobId id) {
  const Demand& demand = jobs_.at(id).demand;
  by_due_.erase({demand.due, id});
  by_cost_.erase({demand.cost, id});
  pending_cost_ -= demand.cost;
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
