// SPDX-License-Identifier: Apache-2.0
// Durations as people write them: "90s", "500ms", "2m", "1.5h". Exact: what was
// written is what is read, to the nanosecond.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "google/protobuf/duration.pb.h"

namespace tributary::codec {

// Nothing if the text is no duration: a decimal number, then ms, s, m or h.
// Never negative; at most 10,000 years, as protobuf allows.
std::optional<google::protobuf::Duration> ParseDuration(std::string_view text);

// The shortest text that ParseDuration reads back to the same duration.
std::string FormatDuration(const google::protobuf::Duration& duration);

// Seconds and nanos within their ranges and of one sign.
bool IsValid(const google::protobuf::Duration& duration);

double Seconds(const google::protobuf::Duration& duration);
google::protobuf::Duration DurationOf(std::chrono::nanoseconds duration);

}  // namespace tributary::codec
