// SPDX-License-Identifier: Apache-2.0
// What happened to an engine, as messages: one EngineStep for each Step.
//
// Pure; any thread. Decoding anything that Encode did not write is DataLoss
// with the field named; it allocates no more than the message holds.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "coordinator/round/event.h"
#include "tributary/v1/checkpoint.pb.h"

namespace tributary::checkpoint {

struct TimedEvent {
  round::Event event;
  round::Instant now;
  friend bool operator==(const TimedEvent&, const TimedEvent&) = default;
};

// The event is within the limits of checkpoint.proto: whoever takes events from
// outside checks names and numbers of metrics first.
v1::EngineStep ToMessage(const TimedEvent& step);
absl::StatusOr<TimedEvent> FromMessage(const v1::EngineStep& message);

// The same as bytes, for a store's row.
std::string EncodeStep(const TimedEvent& step);
absl::StatusOr<TimedEvent> DecodeStep(const std::string& bytes);

}  // namespace tributary::checkpoint
