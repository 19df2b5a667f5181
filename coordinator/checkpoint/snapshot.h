// SPDX-License-Identifier: Apache-2.0
// An engine's whole state as a message. Equal states have equal bytes.
//
// Pure; any thread. Decoding anything that Encode did not write is DataLoss
// with the field named: states that no engine can be in are found, such as a
// client twice or a round of nobody.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "coordinator/round/state.h"
#include "tributary/v1/checkpoint.pb.h"

namespace tributary::checkpoint {

v1::EngineState ToMessage(const round::State& state);
absl::StatusOr<round::State> FromMessage(const v1::EngineState& message);

// The same as bytes, for a store's row.
std::string EncodeState(const round::State& state);
absl::StatusOr<round::State> DecodeState(const std::string& bytes);

}  // namespace tributary::checkpoint
