// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/housekeeper.h"

#include <utility>

#include "absl/time/time.h"

namespace tributary::coordinator {

Housekeeper::Housekeeper(std::chrono::milliseconds period,
                         std::function<void()> work) {
  thread_ = std::thread([this, period, work = std::move(work)] {
    while (true) {
      {
        absl::MutexLock lock(&mutex_);
        mutex_.AwaitWithTimeout(absl::Condition(&stopping_),
                                absl::FromChrono(period));
        if (stopping_) return;
      }
      work();
    }
  });
}

Housekeeper::~Housekeeper() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

}  // namespace tributary::coordinator
