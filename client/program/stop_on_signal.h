// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM as a call on a thread of its own. A handler rather than a
// signal mask: libraries start threads before main, and those would not share
// the mask. A second signal ends the process at once.
//
// One at a time in a process; it takes both signals over for good.
#pragma once

#include <functional>
#include <thread>

namespace tributary::program {

class StopOnSignal {
 public:
  // Calls `stop` from the helper thread at the first signal. Once.
  explicit StopOnSignal(std::function<void()> stop);
  // From here on `stop` is not called.
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  // The first signal that came, or 0.
  static int Signal();

 private:
  std::thread watcher_;
};

}  // namespace tributary::program
