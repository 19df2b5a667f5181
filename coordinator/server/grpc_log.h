// SPDX-License-Identifier: Apache-2.0
// gRPC's own log as events of ours. A failed TLS handshake, such as that of a
// certificate of another authority, reaches no handler: its line in gRPC's log
// is all there is, so it is recognised there and counted.
//
// One log a process, as gRPC has one. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/runner/coordinator.h"

namespace tributary::coordinator {

// Counts failed handshakes; whoever scans the port must not fill the log.
class HandshakeFailures {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // A line at most this often.
  static constexpr std::chrono::seconds kLogEvery{10};

  // The event to log; nothing if the last one was logged shortly before. It
  // says how many failed since.
  std::optional<LogEvent> Note(std::string_view why, Time now);
  std::uint64_t count() const;

 private:
  mutable std::mutex mutex_;
  std::uint64_t count_ = 0;
  std::uint64_t logged_ = 0;
  std::optional<Time> logged_at_;
};

// Why the handshake failed, if this line of gRPC's log says that one did.
std::optional<std::string_view> FailedHandshake(std::string_view line);

// From now on gRPC logs here. Idempotent.
void RouteGrpcLog();
// Failed handshakes of this process since RouteGrpcLog.
std::uint64_t HandshakeFailureCount();

}  // namespace tributary::coordinator
