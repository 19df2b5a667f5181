// SPDX-License-Identifier: Apache-2.0
// Ctrl-C (and SIGTERM) as an event rather than the end of the process, for as
// long as the object lives. Made before anything that starts threads, for they
// inherit the mask.
#pragma once

#include <signal.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace tributary::ctl {

class Interrupt {
 public:
  // Calls back at most once, from its own thread.
  explicit Interrupt(std::function<void()> callback);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool HasCome() const { return has_come_; }
  // Until it comes or the time is over.
  void WaitFor(std::chrono::milliseconds time);

 private:
  void Listen();

  std::function<void()> callback_;
  sigset_t signals_;
  sigset_t before_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> has_come_ = false;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

}  // namespace tributary::ctl
