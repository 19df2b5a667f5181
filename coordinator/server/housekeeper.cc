// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/housekeeper.h"

#include <utility>

namespace tributary::coordinator {

Housekeeper::Housekeeper(std::chrono::milliseconds period,
                         std::function<void()> work) {
  thread_ = std::thread([this, period, work = std::move(work)] {
    while (true) {
      {
        std::unique_lock lock(mutex_);
        if (changed_.wait_for(lock, period, [this] { return stopping_; })) {
          return;
        }
      }
      work();
    }
  });
}

Housekeeper::~Housekeeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

}  // namespace tributary::coordinator
