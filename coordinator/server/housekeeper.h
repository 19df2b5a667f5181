// SPDX-License-Identifier: Apache-2.0
// One thread that does small periodic work: expires calls, looks at files.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace tributary::coordinator {

class Housekeeper {
 public:
  // Calls `work` every `period` on its own thread until destroyed.
  Housekeeper(std::chrono::milliseconds period, std::function<void()> work);
  ~Housekeeper();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tributary::coordinator
