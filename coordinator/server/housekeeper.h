// SPDX-License-Identifier: Apache-2.0
// One thread that does small periodic work: expires calls, looks at files.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tributary::coordinator {

class Housekeeper {
 public:
  // Calls `work` every `period` on its own thread until destroyed.
  Housekeeper(std::chrono::milliseconds period, std::function<void()> work);
  ~Housekeeper();

 private:
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tributary::coordinator
