// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/log.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace tributary::coordinator {
namespace {

spdlog::logger& Logger() {
  static spdlog::logger* const logger = [] {
    auto* made = new spdlog::logger(
        "tributary", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc));
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

spdlog::level::level_enum ToSpdlog(LogEvent::Level level) {
  switch (level) {
    case LogEvent::Level::kDebug:
      return spdlog::level::debug;
    case LogEvent::Level::kInfo:
      return spdlog::level::info;
    case LogEvent::Level::kWarning:
      return spdlog::level::warn;
    case LogEvent::Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

void AppendQuoted(std::string& line, std::string_view text) {
  line += '"';
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      line += '\\';
      line += character;
    } else if (byte < 0x20 || byte == 0x7F) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      line += "\\x";
      line += kDigits[byte >> 4];
      line += kDigits[byte & 15];
    } else {
      line += character;
    }
  }
  line += '"';
}

bool NeedsQuotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte <= 0x20 || byte == 0x7F || character == '"' || character == '=' ||
        character == '\\') {
      return true;
    }
  }
  return false;
}

void LogAt(LogEvent::Level level, std::string_view message, LogFields fields) {
  Log({level, std::string(message), std::move(fields)});
}

}  // namespace

std::string FormatLogEvent(const LogEvent& event) {
  std::string line;
  AppendQuoted(line, event.message);
  for (const auto& [key, value] : event.fields) {
    absl::StrAppend(&line, " ", key, "=");
    if (NeedsQuotes(value)) {
      AppendQuoted(line, value);
    } else {
      line += value;
    }
  }
  return line;
}

absl::Status SetLogLevel(std::string_view level) {
  if (level.empty() || level == "info") {
    Logger().set_level(spdlog::level::info);
  } else if (level == "debug") {
    Logger().set_level(spdlog::level::debug);
  } else if (level == "warn") {
    Logger().set_level(spdlog::level::warn);
  } else if (level == "error") {
    Logger().set_level(spdlog::level::err);
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("log_level: \"", std::string(level),
                     "\" is none of debug, info, warn, error"));
  }
  return absl::OkStatus();
}

void Log(const LogEvent& event) {
  const spdlog::level::level_enum level = ToSpdlog(event.level);
  if (!Logger().should_log(level)) return;
  Logger().log(level, spdlog::string_view_t(FormatLogEvent(event)));
}

void LogDebug(std::string_view message, LogFields fields) {
  LogAt(LogEvent::Level::kDebug, message, std::move(fields));
}
void LogInfo(std::string_view message, LogFields fields) {
  LogAt(LogEvent::Level::kInfo, message, std::move(fields));
}
void LogWarning(std::string_view message, LogFields fields) {
  LogAt(LogEvent::Level::kWarning, message, std::move(fields));
}
void LogError(std::string_view message, LogFields fields) {
  LogAt(LogEvent::Level::kError, message, std::move(fields));
}

}  // namespace tributary::coordinator
