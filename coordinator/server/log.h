// SPDX-License-Identifier: Apache-2.0
// The log: one line an event on standard error, as time, level, sentence and
// key=value facts, so that people read it and machines parse it.
//
//   2026-03-01T10:00:00.123Z info "round released" run=digits-1 round=3
//
// Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "coordinator/runner/coordinator.h"

namespace tributary::coordinator {

using LogFields = std::vector<std::pair<std::string, std::string>>;

// The event's facts and sentence, without time and level. Values with a space,
// a quote or a control character are quoted, so a client's text cannot forge a
// line.
std::string FormatLogEvent(const LogEvent& event);

// "debug", "info", "warn" or "error"; empty: info.
absl::Status SetLogLevel(std::string_view level);

void Log(const LogEvent& event);
void LogDebug(std::string_view message, LogFields fields = {});
void LogInfo(std::string_view message, LogFields fields = {});
void LogWarning(std::string_view message, LogFields fields = {});
void LogError(std::string_view message, LogFields fields = {});

}  // namespace tributary::coordinator
