// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/duration.h"

#include <cstdint>

namespace tributary::codec {
namespace {

using google::protobuf::Duration;

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
// protobuf's own limit.
constexpr std::int64_t kMaxSeconds = 315'576'000'000;

std::int64_t NanosOfUnit(std::string_view unit) {
  if (unit == "ms") return 1'000'000;
  if (unit == "s") return kNanosPerSecond;
  if (unit == "m") return 60 * kNanosPerSecond;
  if (unit == "h") return 3600 * kNanosPerSecond;
  return 0;
}

}  // namespace

std::optional<Duration> ParseDuration(std::string_view text) {
  std::int64_t digits = 0;
  std::int64_t scale = 1;
  bool seen_digit = false;
  bool seen_point = false;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !seen_point) {
      seen_point = true;
    } else if (c >= '0' && c <= '9') {
      seen_digit = true;
      // Both stay far below the range of the product that follows.
      if (digits > kMaxSeconds * 1'000'000 || scale > 1'000'000'000'000) {
        return std::nullopt;
      }
      digits = digits * 10 + (c - '0');
      if (seen_point) scale *= 10;
    } else {
      break;
    }
  }
  const std::int64_t unit = NanosOfUnit(text.substr(at));
  if (!seen_digit || unit == 0) return std::nullopt;
  const __int128 product = static_cast<__int128>(digits) * unit;
  if (product % scale != 0) return std::nullopt;
  const __int128 nanos = product / scale;
  if (nanos / kNanosPerSecond > kMaxSeconds) return std::nullopt;
  Duration duration;
  duration.set_seconds(static_cast<std::int64_t>(nanos / kNanosPerSecond));
  duration.set_nanos(static_cast<std::int32_t>(nanos % kNanosPerSecond));
  return duration;
}

std::string FormatDuration(const Duration& duration) {
  const std::int64_t seconds = duration.seconds();
  const std::int32_t nanos = duration.nanos();
  if (nanos == 0) {
    if (seconds != 0 && seconds % 3600 == 0) {
      return std::to_string(seconds / 3600) + "h";
    }
    if (seconds != 0 && seconds % 60 == 0) {
      return std::to_string(seconds / 60) + "m";
    }
    return std::to_string(seconds) + "s";
  }
  if (seconds == 0 && nanos % 1'000'000 == 0) {
    return std::to_string(nanos / 1'000'000) + "ms";
  }
  std::string fraction = std::to_string(nanos);
  fraction.insert(0, 9 - fraction.size(), '0');
  while (fraction.back() == '0') fraction.pop_back();
  return std::to_string(seconds) + "." + fraction + "s";
}

bool IsValid(const Duration& duration) {
  const std::int64_t seconds = duration.seconds();
  const std::int64_t nanos = duration.nanos();
  if (seconds < -kMaxSeconds || seconds > kMaxSeconds) return false;
  if (nanos <= -kNanosPerSecond || nanos >= kNanosPerSecond) return false;
  return !(seconds > 0 && nanos < 0) && !(seconds < 0 && nanos > 0);
}

double Seconds(const Duration& duration) {
  return static_cast<double>(duration.seconds()) + duration.nanos() * 1e-9;
}

Duration DurationOf(std::chrono::nanoseconds nanoseconds) {
  Duration duration;
  duration.set_seconds(nanoseconds.count() / kNanosPerSecond);
  duration.set_nanos(
      static_cast<std::int32_t>(nanoseconds.count() % kNanosPerSecond));
  return duration;
}

}  // namespace tributary::codec
