// SPDX-License-Identifier: Apache-2.0
#include "aggregation/narrow_sum.h"

#include <cmath>
#include <limits>
#include <utility>

#include "aggregation/layout_parts.h"
#include "aggregation/vector_clones.h"

namespace tributary::aggregation {
namespace {

// Adds weight * round(values / step) to each. False if one of the sums does not
// fit: then all are what they are modulo 2^32, as after any addition.
TRIBUTARY_VECTOR_CLONES
bool Add(const float* __restrict values, std::size_t count, float inverse_step,
         std::uint32_t weight, std::int32_t* __restrict sums) {
  std::uint32_t overflow = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto point =
        static_cast<std::int32_t>(std::rint(values[i] * inverse_step));
    const std::uint32_t term = static_cast<std::uint32_t>(point) * weight;
    const auto before = static_cast<std::uint32_t>(sums[i]);
    const std::uint32_t after = before + term;
    overflow |= (before ^ after) & (term ^ after);
    sums[i] = static_cast<std::int32_t>(after);
  }
  return overflow >> 31 == 0;
}

TRIBUTARY_VECTOR_CLONES
void MoveInto(std::int64_t* __restrict sums, std::size_t count,
              std::int32_t* __restrict narrow) {
  for (std::size_t i = 0; i < count; ++i) {
    sums[i] += narrow[i];
    narrow[i] = 0;
  }
}

// Whether all points up to `largest`, times the weight, fit into 32 bits; with
// room for the rounding of this very calculation.
bool Fits(const Grid& grid, float largest, std::uint32_t weight) {
  return 1 / grid.step() <= std::numeric_limits<float>::max() &&
         (largest / grid.step() + 1) * weight < 0x1p30;
}

}  // namespace

void NarrowSum::AddBlock(std::size_t offset, std::span<const float> values,
                         float largest, std::uint32_t weight) {
  ForEachPart(sum_.layout(), offset, values.size(),
              [&](const Grid& grid, std::size_t first, std::size_t count) {
                const float* from = values.data() + first;
                const std::size_t at = offset + first;
                if (!Fits(grid, largest, weight)) {
                  return sum_.AddBlock(at, values.subspan(first, count),
                                       weight);
                }
                std::int32_t* to = narrow_.data() + at;
                const auto inverse_step = static_cast<float>(1 / grid.step());
                if (Add(from, count, inverse_step, weight, to)) return;
                // Sums modulo 2^32 are undone by adding the opposite.
                Add(from, count, inverse_step, -weight, to);
                Empty(at, count);
                Add(from, count, inverse_step, weight, to);
              });
}

void NarrowSum::Empty(std::size_t offset, std::size_t count) {
  MoveInto(sum_.MutableSums().data() + offset, count, narrow_.data() + offset);
}

ExactSum NarrowSum::Take() && {
  Empty(0, narrow_.size());
  return std::move(sum_);
}

}  // namespace tributary::aggregation
