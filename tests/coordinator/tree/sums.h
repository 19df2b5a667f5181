// SPDX-License-Identifier: Apache-2.0
// What the tests of this folder say: layouts, sums, their bytes and back.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "aggregation/exact_sum.h"
#include "coordinator/tree/partial_sum.h"
#include "privacy/crypto/random.h"

namespace tributary::testing {

using coordinator::PartialSumFormat;
using coordinator::PartialSumReader;

inline aggregation::Grid MakeGrid(double max_abs, std::uint32_t max_weight,
                                  int bits = 0) {
  return aggregation::Grid::Make(
             {.max_abs = max_abs, .max_weight = max_weight, .bits = bits})
      .value();
}

// Parameters, buffers and an auxiliary part, any of which may be empty, each on
// a grid of its own.
inline aggregation::Layout AnyLayout(RandomSource& random,
                                     std::size_t most_in_part) {
  const auto max_weight = static_cast<std::uint32_t>(1 + random.Below(3'000));
  const auto grid = [&] {
    return MakeGrid(0.05 + 10 * random.Uniform(), max_weight);
  };
  aggregation::Layout layout{0, 0, grid(), grid()};
  layout.trainable = random.Below(most_in_part);
  layout.length = layout.trainable + random.Below(most_in_part);
  if (random.Below(2) == 0) {
    layout.auxiliary = grid();
    layout.auxiliary_length = 1 + random.Below(most_in_part);
    layout.length += layout.auxiliary_length;
  }
  return layout;
}

inline std::vector<std::byte> BytesOf(const PartialSumFormat& format,
                                      const coordinator::SumSource& source) {
  std::vector<std::byte> bytes;
  const absl::Status status =
      WritePartialSum(format, source, [&](std::span<const std::byte> some) {
        bytes.insert(bytes.end(), some.begin(), some.end());
        return absl::OkStatus();
      });
  if (!status.ok()) bytes.clear();
  return bytes;
}

inline std::vector<std::byte> BytesOf(const PartialSumFormat& format,
                                      const std::vector<std::int64_t>& sums) {
  return BytesOf(format, [&](std::size_t first, std::span<std::int64_t> out) {
    std::ranges::copy(std::span(sums).subspan(first, out.size()), out.begin());
  });
}

// Fed in pieces of this size.
inline PartialSumReader::Defect Read(const PartialSumFormat& format,
                                     std::span<const std::byte> bytes,
                                     std::size_t piece,
                                     const PartialSumReader::Sink& sink = {}) {
  PartialSumReader reader(format);
  while (!bytes.empty()) {
    const auto some = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(some.size());
    const PartialSumReader::Defect defect = reader.Feed(some, sink);
    if (defect.refusal != round::Refusal::kNone) return defect;
  }
  return reader.Finish();
}

}  // namespace tributary::testing
