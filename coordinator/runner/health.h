// SPDX-License-Identifier: Apache-2.0
// What keeps the coordinator from its work now, by the part that fails.
//
// Threads: any.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "absl/status/status.h"

namespace tributary::coordinator {

// What could not be read or written is tried again after this.
inline constexpr std::chrono::milliseconds kRetryPeriod{500};

// Damage that will not go away, unlike a disk that does not work now.
inline bool IsDamage(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsNotFound(status) ||
         absl::IsInvalidArgument(status);
}

class HealthBook {
 public:
  // True if the part's condition changed between good and bad.
  bool Set(const std::string& part, const absl::Status& status) {
    const std::lock_guard lock(mutex_);
    const bool was_bad = failures_.contains(part);
    if (status.ok()) {
      failures_.erase(part);
    } else {
      failures_.insert_or_assign(part, status);
    }
    is_fine_ = failures_.empty();
    return was_bad == status.ok();
  }
  absl::Status Get() const {
    const std::lock_guard lock(mutex_);
    return failures_.empty() ? absl::OkStatus() : failures_.begin()->second;
  }
  bool IsFine() const { return is_fine_; }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, absl::Status> failures_;
  std::atomic<bool> is_fine_ = true;
};

}  // namespace tributary::coordinator
