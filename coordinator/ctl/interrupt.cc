// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/interrupt.h"

#include <time.h>

#include <utility>

namespace tributary::ctl {

Interrupt::Interrupt(std::function<void()> callback)
    : callback_(std::move(callback)) {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  thread_ = std::thread([this] { Listen(); });
}

Interrupt::~Interrupt() {
  is_over_ = true;
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Interrupt::Listen() {
  // Long enough to cost nothing, short enough that nobody waits for the end.
  const timespec patience{0, 50'000'000};
  while (!is_over_) {
    if (sigtimedwait(&signals_, nullptr, &patience) <= 0) continue;
    {
      const std::lock_guard lock(mutex_);
      has_come_ = true;
    }
    changed_.notify_all();
    callback_();
    return;
  }
}

void Interrupt::WaitFor(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [this] { return has_come_.load(); });
}

}  // namespace tributary::ctl
