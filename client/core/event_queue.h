// SPDX-License-Identifier: Apache-2.0
// What happens to a client, in one line. Each entry says which activity it
// comes from and that activity's number, so that the events of what was
// cancelled can be told apart and dropped.
//
// Thread-safe; waits without spinning.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "client/core/event.h"
#include "client/core/update.h"

namespace tributary {

enum class Activity { kClient, kStream, kFetch, kWork, kSecure, kUpload };

struct Happening {
  Activity activity = Activity::kClient;
  std::uint64_t number = 0;
  session::Event event;
  // With session::Trained.
  std::shared_ptr<const PreparedUpdate> update;
};

class EventQueue {
 public:
  void Push(Happening happening) {
    {
      const std::lock_guard lock(mutex_);
      happenings_.push_back(std::move(happening));
    }
    came_.notify_one();
  }

  // The next one; none if `until` comes first. Without `until` it waits.
  std::optional<Happening> Pop(
      std::optional<std::chrono::steady_clock::time_point> until) {
    std::unique_lock lock(mutex_);
    const auto some = [this] { return !happenings_.empty(); };
    if (!until) {
      came_.wait(lock, some);
    } else if (!came_.wait_until(lock, *until, some)) {
      return std::nullopt;
    }
    Happening happening = std::move(happenings_.front());
    happenings_.pop_front();
    return happening;
  }

  void Clear() {
    const std::lock_guard lock(mutex_);
    happenings_.clear();
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Happening> happenings_;
};

}  // namespace tributary
