// SPDX-License-Identifier: Apache-2.0
// CPU time of the calling thread, in seconds: what others do on its core is not
// counted.
#pragma once

#include <ctime>

namespace tributary::bench {

inline double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace tributary::bench
