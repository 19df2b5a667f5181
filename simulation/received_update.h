// SPDX-License-Identifier: Apache-2.0
// An update that arrived in memory: checked, then folded into the round's sum.
// No copy of it is made.
//
// Pure; different sums may be folded on different threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "aggregation/encoding.h"
#include "aggregation/exact_sum.h"
#include "coordinator/round/types.h"
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

// An update as it reaches the coordinator.
struct ReceivedUpdate {
  const v1::UpdateHeader& header;
  // What Verify said where it was made.
  round::Refusal defect = round::Refusal::kNone;
  // Nothing: another rank has them, and adds them to its part of the sum.
  std::optional<std::span<const std::byte>> bytes = {};
};

// Adds a verified update of this weight to the sum.
void Fold(const UpdateFormat& format, std::span<const std::byte> bytes,
          std::uint32_t weight, aggregation::ExactSum& sum);

}  // namespace tributary::simulation
