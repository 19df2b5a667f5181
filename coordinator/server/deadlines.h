// SPDX-License-Identifier: Apache-2.0
// Calls whose time may run out: a stream that never says hello, an upload that
// stalls. One timer for all of them instead of one each, so an idle connection
// carries none.
//
// Thread-safe. Holds weak references only; Expire is called without the lock.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>

namespace tributary::coordinator {

class Expiring {
 public:
  virtual ~Expiring() = default;
  // The time that was asked for is over. May ask for more.
  virtual void Expire() = 0;
};

class Deadlines {
 public:
  using Clock = std::chrono::steady_clock;

  void Add(Clock::time_point when, std::weak_ptr<Expiring> call);
  // Expires what is due at `now`.
  void Run(Clock::time_point now);

 private:
  std::mutex mutex_;
  std::multimap<Clock::time_point, std::weak_ptr<Expiring>> calls_;
};

}  // namespace tributary::coordinator
