// SPDX-License-Identifier: Apache-2.0
#include "client/core/worker.h"

#include <utility>

namespace tributary {

Worker::~Worker() {
  Cancel();
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Worker::Start(Job job) {
  latest_ = std::make_shared<TaskContext>();
  {
    const std::lock_guard lock(mutex_);
    entries_.push_back({std::move(job), latest_});
  }
  changed_.notify_one();
}

void Worker::Cancel() {
  if (latest_ != nullptr) latest_->Cancel();
}

void Worker::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !entries_.empty(); });
    if (entries_.empty()) return;
    const Entry entry = std::move(entries_.front());
    entries_.pop_front();
    lock.unlock();
    if (!entry.context->Cancelled()) entry.job(*entry.context);
    lock.lock();
  }
}

}  // namespace tributary
