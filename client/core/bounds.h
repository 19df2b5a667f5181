// SPDX-License-Identifier: Apache-2.0
// Keeps an update within the plan's bounds: each value is clamped to its
// part's, so that what the coordinator decodes is never over it. Values; any
// thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "aggregation/encoding.h"
#include "aggregation/grid.h"
#include "aggregation/manifest.h"

namespace tributary {

// Bounds of the parts of an update, in order: what lies before `end`, and after
// the part before it, is at most `bound`.
struct BoundedPart {
  std::size_t end = 0;
  float bound = 0;
};
using Bounds = std::array<BoundedPart, 4>;

// Of updates of this layout that go up in this encoding.
Bounds BoundsOf(aggregation::Encoding encoding,
                const aggregation::Layout& layout);
// What is within every part's bound.
float SmallestOf(const Bounds& bounds);

// What a pass over the values finds.
struct Clamped {
  bool is_finite = true;
  float largest = 0;            // magnitude afterwards
  std::uint64_t saturated = 0;  // values that were out of bound
};
// Clamps the values from `offset` each to its part's bound, in place.
void ClampAll(std::span<float> values, std::size_t offset, const Bounds& bounds,
              Clamped& clamped);

// InvalidArgument that names the first value that is not finite, of those from
// `offset`. There is one.
absl::Status NotFinite(const Manifest& manifest, std::size_t offset,
                       std::span<const float> values);

}  // namespace tributary
