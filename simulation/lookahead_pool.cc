// SPDX-License-Identifier: Apache-2.0
#include "simulation/lookahead_pool.h"

namespace tributary::simulation {

LookaheadPool::LookaheadPool(int workers)
    : limit_(4 * static_cast<std::size_t>(workers)) {
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

LookaheadPool::JobId LookaheadPool::Submit(round::Instant due,
                                           std::function<void()> work) {
  std::lock_guard lock(mutex_);
  const JobId id = next_id_++;
  jobs_.emplace(id, Job{State::kPending, due, std::move(work)});
  pending_.insert({due, id});
  changed_.notify_all();
  return id;
}

void LookaheadPool::Await(JobId job) {
  std::unique_lock lock(mutex_);
  Job& entry = jobs_.at(job);
  if (entry.state == State::kPending) {
    pending_.erase({entry.due, job});
    entry.state = State::kRunning;
    lock.unlock();
    entry.work();
    lock.lock();
  } else {
    changed_.wait(lock, [&] { return entry.state == State::kDone; });
  }
  jobs_.erase(job);
  changed_.notify_all();
}

void LookaheadPool::Drop(JobId job) {
  std::unique_lock lock(mutex_);
  Job& entry = jobs_.at(job);
  if (entry.state == State::kPending) {
    pending_.erase({entry.due, job});
  } else {
    changed_.wait(lock, [&] { return entry.state == State::kDone; });
  }
  jobs_.erase(job);
  changed_.notify_all();
}

void LookaheadPool::RunJobs() {
  std::unique_lock lock(mutex_);
  while (true) {
    // Jobs in the map that do not wait are begun and not awaited.
    changed_.wait(lock, [&] {
      return stopping_ ||
             (!pending_.empty() && jobs_.size() - pending_.size() < limit_);
    });
    if (stopping_) return;
    const JobId id = pending_.begin()->second;
    pending_.erase(pending_.begin());
    Job& entry = jobs_.at(id);
    entry.state = State::kRunning;
    lock.unlock();
    entry.work();
    lock.lock();
    entry.state = State::kDone;
    changed_.notify_all();
  }
}

}  // namespace tributary::simulation
