// SPDX-License-Identifier: Apache-2.0
// The thread the trainer runs on. Jobs run one after another; a job that was
// cancelled before its turn does not start.
//
// Start and Cancel are called from one thread. The destructor cancels and waits
// for the job that runs.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "tributary/trainer.h"

namespace tributary {

class Worker {
 public:
  using Job = std::function<void(const TaskContext&)>;

  Worker() : thread_([this] { Work(); }) {}
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void Start(Job job);
  // The job started last.
  void Cancel();

 private:
  struct Entry {
    Job job;
    std::shared_ptr<TaskContext> context;
  };
  void Work();

  std::shared_ptr<TaskContext> latest_;  // the owner's thread only
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Entry> entries_;
  bool ending_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace tributary
