// SPDX-License-Identifier: Apache-2.0
// Counts the calls that gRPC still has in hand, so that a link's end can wait
// for their last callback. Thread-safe.
#pragma once

#include <condition_variable>
#include <mutex>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace tributary {

class OpenCalls {
 public:
  void Add() {
    const std::lock_guard lock(mutex_);
    ++count_;
  }
  void Remove() {
    const std::lock_guard lock(mutex_);
    if (--count_ == 0) none_.notify_all();
  }
  void WaitForNone() {
    std::unique_lock lock(mutex_);
    none_.wait(lock, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  int count_ = 0;
};

// The codes are the same numbers.
inline absl::Status ToAbsl(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

}  // namespace tributary
