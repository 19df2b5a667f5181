// SPDX-License-Identifier: Apache-2.0
// An update that arrived in memory: checked, then folded into the round's sum.
// No copy of it is made.
//
// Pure; different sums may be folded on different threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <variant>

#include "aggregation/encoding.h"
#include "aggregation/narrow_sum.h"
#include "coordinator/round/types.h"
#include "coordinator/secure/integer_round.h"
#include "simulation/partial_sums.h"
#include "tributary/v1/federation.pb.h"

namespace tributary::simulation {

struct UpdateFormat {
  aggregation::Encoding encoding;
  aggregation::Layout layout;
};

// What is wrong with the update that this header announced; kNone if nothing.
// Its checksum is for bytes that travel: these never left memory.
round::Refusal Verify(const UpdateFormat& format,
                      const v1::UpdateHeader& header,
                      std::span<const std::byte> bytes);

// The same for an update of integers of this round that no mask hides.
round::Refusal Verify(std::shared_ptr<const coordinator::IntegerRound> round,
                      std::span<const std::byte> bytes);

// An update as it reaches the coordinator.
struct ReceivedUpdate {
  const v1::UpdateHeader& header;
  // What Verify said where it was made.
  round::Refusal defect = round::Refusal::kNone;
  // Its floats: to be added once it is accepted; in the sum already; or with
  // another rank, in its part of the sum.
  std::variant<std::monostate, std::span<const std::byte>, AddedUpdate*>
      floats = {};
};

// Adds a verified update of this weight to the sum, and counts no contribution.
void Fold(const UpdateFormat& format, std::span<const std::byte> bytes,
          std::uint32_t weight, aggregation::NarrowSum& sum);

}  // namespace tributary::simulation
