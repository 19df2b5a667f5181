// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/grpc_log.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/server/log.h"
#include "grpc/support/log.h"

namespace tributary::coordinator {
namespace {

// As ssl_transport_security.cc of gRPC 1.51 writes it.
constexpr std::string_view kHandshakeFailed = "Handshake failed with ";

HandshakeFailures& Failures() {
  static auto& failures = *new HandshakeFailures;
  return failures;
}

LogEvent::Level ToLevel(gpr_log_severity severity) {
  switch (severity) {
    case GPR_LOG_SEVERITY_DEBUG:
      return LogEvent::Level::kDebug;
    case GPR_LOG_SEVERITY_INFO:
      return LogEvent::Level::kInfo;
    case GPR_LOG_SEVERITY_ERROR:
      return LogEvent::Level::kError;
  }
  return LogEvent::Level::kError;
}

std::string_view FileName(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

void Take(gpr_log_func_args* line) {
  const std::string_view message = line->message;
  if (const auto why = FailedHandshake(message)) {
    const auto now = std::chrono::steady_clock::now();
    if (const auto event = Failures().Note(*why, now)) Log(*event);
    return;
  }
  Log({.level = ToLevel(line->severity),
       .message = "gRPC",
       .fields = {{"said", std::string(message)},
                  {"at", absl::StrCat(std::string(FileName(line->file)), ":",
                                      line->line)}}});
}

}  // namespace

std::optional<LogEvent> HandshakeFailures::Note(std::string_view why,
                                                Time now) {
  const std::lock_guard lock(mutex_);
  ++count_;
  if (logged_at_.has_value() && now < *logged_at_ + kLogEvery) {
    return std::nullopt;
  }
  const std::uint64_t failed = count_ - std::exchange(logged_, count_);
  logged_at_ = now;
  return LogEvent{.level = LogEvent::Level::kWarning,
                  .message = "handshake failed",
                  .fields = {{"why", std::string(why)},
                             {"failed", std::to_string(failed)}}};
}

std::uint64_t HandshakeFailures::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

std::optional<std::string_view> FailedHandshake(std::string_view line) {
  const std::size_t at = line.find(kHandshakeFailed);
  if (at == std::string_view::npos) return std::nullopt;
  return line.substr(at + kHandshakeFailed.size());
}

void RouteGrpcLog() { gpr_set_log_function(Take); }

std::uint64_t HandshakeFailureCount() { return Failures().count(); }

}  // namespace tributary::coordinator
