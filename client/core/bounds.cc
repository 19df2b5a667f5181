// SPDX-License-Identifier: Apache-2.0
#include "client/core/bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "aggregation/encoding_layout.h"
#include "aggregation/magnitude.h"

namespace tributary {
namespace {

using aggregation::Encoding;

// The largest float that may be encoded so that what the coordinator decodes is
// at most max_abs.
float Bound(Encoding encoding, double max_abs) {
  float bound = static_cast<float>(max_abs);
  if (static_cast<double>(bound) > max_abs) bound = std::nextafter(bound, 0.0f);
  switch (encoding) {
    case Encoding::kBfloat16: {
      // Rounding to nearest is monotone: below a value of 8 binary digits it
      // never ends above it.
      int exponent = 0;
      const float digits = std::frexp(bound, &exponent);
      return std::ldexp(std::trunc(std::ldexp(digits, 8)), exponent - 8);
    }
    case Encoding::kInt8:
      // scale = bound / 127 and 127 * scale round once each.
      return bound * (1.0f - 0x1p-22f);
    case Encoding::kFloat32:
    case Encoding::kTopK:
      return bound;
  }
  return bound;
}

// Clamps in place. Most blocks are within the bound and are only read.
void Clamp(std::span<float> values, float bound, Clamped& clamped) {
  constexpr std::size_t kBlock = 4096;
  while (!values.empty()) {
    const std::span<float> block =
        values.first(std::min(kBlock, values.size()));
    values = values.subspan(block.size());
    const float largest = aggregation::LargestMagnitude(block);
    if (!std::isfinite(largest)) {
      clamped.is_finite = false;
      return;
    }
    clamped.largest = std::max(clamped.largest, std::min(bound, largest));
    if (largest > bound) {
      for (float& value : block) {
        clamped.saturated += std::fabs(value) > bound;
        value = std::clamp(value, -bound, bound);
      }
    }
  }
}

}  // namespace

Bounds BoundsOf(Encoding encoding, const aggregation::Layout& layout) {
  const float parameters = Bound(encoding, layout.parameters.max_abs());
  const float buffers = Bound(encoding, layout.buffers.max_abs());
  // An int8 block that holds both has one scale, so the smaller bound for all.
  std::size_t from = layout.trainable;
  std::size_t to = layout.trainable;
  if (encoding == Encoding::kInt8 && from % aggregation::kInt8Block != 0) {
    from -= from % aggregation::kInt8Block;
    to = std::min(layout.model(), from + aggregation::kInt8Block);
    if (to <= layout.trainable) from = to = layout.trainable;
  }
  const float auxiliary =
      layout.auxiliary ? Bound(encoding, layout.auxiliary->max_abs()) : 0;
  return {{{from, parameters},
           {to, std::min(parameters, buffers)},
           {layout.model(), buffers},
           {layout.length, auxiliary}}};
}

float SmallestOf(const Bounds& bounds) {
  float smallest = std::numeric_limits<float>::max();
  std::size_t start = 0;
  for (const BoundedPart& part : bounds) {
    if (part.end > start) smallest = std::min(smallest, part.bound);
    start = std::max(start, part.end);
  }
  return smallest;
}

void ClampAll(std::span<float> values, std::size_t offset, const Bounds& bounds,
              Clamped& clamped) {
  std::size_t done = 0;
  for (const BoundedPart& part : bounds) {
    const std::size_t end =
        std::min(values.size(), part.end - std::min(part.end, offset));
    if (end <= done) continue;
    Clamp(values.subspan(done, end - done), part.bound, clamped);
    done = end;
  }
}

absl::Status NotFinite(const Manifest& manifest, std::size_t offset,
                       std::span<const float> values) {
  const auto bad = std::find_if(values.begin(), values.end(), [](float value) {
    return !std::isfinite(value);
  });
  const std::size_t coordinate =
      offset + static_cast<std::size_t>(bad - values.begin());
  std::size_t start = 0;
  for (const TensorSpec& tensor : manifest.tensors()) {
    if (coordinate < start + tensor.Size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the delta of ", tensor.name, " is not finite at ",
                       coordinate - start));
    }
    start += tensor.Size();
  }
  return absl::InvalidArgumentError(
      "what the strategy adds to the update is not finite");
}

}  // namespace tributary
