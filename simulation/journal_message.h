// SPDX-License-Identifier: Apache-2.0
// A simulation's journal as a message. Equal journals have equal bytes.
//
// Pure; any thread. Decoding anything that ToMessage did not write is DataLoss
// that says what; it allocates no more than the message holds.
#pragma once

#include "absl/status/statusor.h"
#include "simulation/journal.h"
#include "tributary/v1/simulation_checkpoint.pb.h"

namespace tributary::simulation {

v1::SimulationJournal ToMessage(const Journal::Contents& journal);
absl::StatusOr<Journal::Contents> FromMessage(
    const v1::SimulationJournal& message);

}  // namespace tributary::simulation
