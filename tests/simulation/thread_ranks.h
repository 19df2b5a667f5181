// SPDX-License-Identifier: Apache-2.0
// Ranks that are threads of one test, joined by a barrier.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "simulation/ranks/ranks.h"

namespace tributary::simulation {

// Where they meet.
class Meeting {
 public:
  explicit Meeting(int size) : size_(size), given_(size) {}
  int size() const { return size_; }
  int exchanges() const { return exchanges_; }

  // Returns once all have come, or one has left.
  absl::StatusOr<std::vector<std::string>> Exchange(int rank,
                                                    const std::string& own) {
    std::unique_lock lock(mutex_);
    given_[static_cast<std::size_t>(rank)] = own;
    const int mine = exchanges_;
    if (++here_ == size_) {
      here_ = 0;
      taken_ = given_;
      ++exchanges_;
      changed_.notify_all();
    }
    changed_.wait(lock, [&] { return exchanges_ > mine || !left_.ok(); });
    if (exchanges_ == mine) return left_;
    return taken_;
  }
  void Leave(const absl::Status& why) {
    std::lock_guard lock(mutex_);
    left_ = why;
    changed_.notify_all();
  }

 private:
  const int size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> given_;
  // Of the last exchange: nobody gives twice before all have taken once, as
  // each needs all.
  std::vector<std::string> taken_;
  int here_ = 0;
  int exchanges_ = 0;
  absl::Status left_;
};

class ThreadRank final : public Ranks {
 public:
  ThreadRank(Meeting& meeting, int rank) : meeting_(meeting), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return meeting_.size(); }
  absl::StatusOr<std::vector<std::string>> Gather(
      const std::string& own) override {
    return meeting_.Exchange(rank_, own);
  }
  absl::Status Sum(std::span<std::int64_t> values) override {
    const auto all = meeting_.Exchange(
        rank_, std::string(reinterpret_cast<const char*>(values.data()),
                           values.size_bytes()));
    if (!all.ok()) return all.status();
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = 0;
      for (const std::string& text : *all) {
        values[i] += reinterpret_cast<const std::int64_t*>(text.data())[i];
      }
    }
    return absl::OkStatus();
  }
  void Leave(const absl::Status& why) override { meeting_.Leave(why); }

 private:
  Meeting& meeting_;
  const int rank_;
};

// Does the same on every rank, each in a thread of its own, and waits for all.
inline void OnEveryRank(Meeting& meeting,
                        const std::function<void(Ranks&)>& action) {
  std::vector<std::thread> threads;
  for (int rank = 0; rank < meeting.size(); ++rank) {
    threads.emplace_back([&meeting, &action, rank] {
      ThreadRank self(meeting, rank);
      action(self);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace tributary::simulation
