// SPDX-License-Identifier: Apache-2.0
// Who of a secure session is still to be sent the messages of its present step.
// All at once they are some 180 KB for each of 1,000 clients, and the engine
// thread would do nothing else until they are made. So they are made for a few
// clients at a time, and no more while much of it waits to be written.
//
// Pure. Threads: the engine thread's alone. It goes with its step.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "coordinator/round/types.h"

namespace tributary::coordinator {

class StepMessages {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Clients before anything else gets its turn.
  static constexpr int kClientsAtOnce = 8;
  // Bytes on their way above which no more are made.
  static constexpr std::size_t kMostUnwritten = 32u << 20;
  // A client that does not take what it was sent holds up others no longer.
  static constexpr std::chrono::milliseconds kPatience{250};

  explicit StepMessages(std::span<const round::ClientId> clients)
      : unsent_(clients.begin(), clients.end()) {}

  // It was sent them on another occasion, or has nothing to do with them any
  // more.
  void Skip(const round::ClientId& client) { unsent_.erase(client); }
  bool IsDone() const { return unsent_.empty(); }

  // The next to be sent its messages; nobody if all are, or if `is_writing` of
  // too much that was sent.
  std::optional<round::ClientId> Next(
      const std::function<bool(const round::ClientId&)>& is_writing, Time now);
  // What was made for a client.
  void Sent(const round::ClientId& client, std::size_t bytes, Time now);

 private:
  struct Unwritten {
    round::ClientId client;
    std::size_t bytes = 0;
    Time since;
  };

  std::set<round::ClientId> unsent_;
  std::vector<Unwritten> unwritten_;  // as far as is known
  std::size_t bytes_ = 0;             // of those
};

}  // namespace tributary::coordinator
