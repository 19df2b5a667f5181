// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/deadlines.h"

#include <utility>
#include <vector>

namespace tributary::coordinator {

void Deadlines::Add(Clock::time_point when, std::weak_ptr<Expiring> call) {
  const std::lock_guard lock(mutex_);
  calls_.emplace(when, std::move(call));
}

void Deadlines::Run(Clock::time_point now) {
  std::vector<std::shared_ptr<Expiring>> due;
  {
    const std::lock_guard lock(mutex_);
    const auto end = calls_.upper_bound(now);
    for (auto call = calls_.begin(); call != end; ++call) {
      if (auto alive = call->second.lock()) due.push_back(std::move(alive));
    }
    calls_.erase(calls_.begin(), end);
  }
  for (const std::shared_ptr<Expiring>& call : due) call->Expire();
}

}  // namespace tributary::coordinator
