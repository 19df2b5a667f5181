// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/work_pool.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

namespace tributary::coordinator {

WorkPool::WorkPool(int threads) {
  threads_.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
}

WorkPool::~WorkPool() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkPool::Post(std::function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    if (is_stopping_) return;
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void WorkPool::ForEach(std::size_t count, std::function<void(std::size_t)> work,
                       std::function<void()> done) {
  struct Shared {
    std::function<void(std::size_t)> work;
    std::function<void()> done;
    std::atomic<std::size_t> next = 0;
    std::atomic<std::size_t> working = 0;
  };
  const auto shared = std::make_shared<Shared>();
  shared->work = std::move(work);
  shared->done = std::move(done);
  const std::size_t workers =
      std::clamp<std::size_t>(count, 1, threads_.size());
  shared->working = workers;
  for (std::size_t i = 0; i < workers; ++i) {
    Post([shared, count] {
      for (std::size_t at = shared->next++; at < count; at = shared->next++) {
        shared->work(at);
      }
      if (shared->working.fetch_sub(1) == 1) shared->done();
    });
  }
}

void WorkPool::Together(std::size_t count,
                        const std::function<void(std::size_t)>& task) {
  struct Shared {
    const std::size_t count;
    std::atomic<std::size_t> next = 0;
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t done = 0;
  };
  const auto shared = std::make_shared<Shared>(count);
  // Whoever comes when nothing is left does not touch `task`, which may be gone
  // by then.
  const auto work = [shared, &task] {
    std::size_t done = 0;
    for (std::size_t at = shared->next++; at < shared->count;
         at = shared->next++) {
      task(at);
      ++done;
    }
    if (done == 0) return;
    const std::lock_guard lock(shared->mutex);
    shared->done += done;
    if (shared->done == shared->count) shared->changed.notify_all();
  };
  const std::size_t helpers =
      std::min(count, threads_.size()) - std::min<std::size_t>(count, 1);
  for (std::size_t i = 0; i < helpers; ++i) Post(work);
  work();
  std::unique_lock lock(shared->mutex);
  shared->changed.wait(lock, [&] { return shared->done == count; });
}

void WorkPool::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_stopping_ || !queue_.empty(); });
    if (is_stopping_) return;
    {
      std::function<void()> work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
      // What the work held is let go of before the lock is taken again.
    }
    lock.lock();
  }
}

}  // namespace tributary::coordinator
