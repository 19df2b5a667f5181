// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "aggregation/encoding.h"
#include "aggregation/encoding_layout.h"
#include "aggregation/magnitude.h"

namespace tributary::aggregation {
namespace {

using Bytes = std::vector<std::byte>;

// Floats without their sign order as these integers do; infinities and NaN are
// above every number.
std::uint32_t Magnitude(float value) {
  return std::bit_cast<std::uint32_t>(value) & 0x7fffffffu;
}

Bytes EncodeFloat32(std::span<const float> values) {
  const std::span<const std::byte> bytes = std::as_bytes(values);
  return Bytes(bytes.begin(), bytes.end());
}

Bytes EncodeBfloat16(std::span<const float> values) {
  Bytes bytes(2 * values.size());
  const std::uint32_t largest = Magnitude(LargestMagnitude(values));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(values[i]);
    // To nearest, ties to even; but not to above the largest value there is,
    // and an infinity or NaN keeps what makes it one.
    std::uint32_t upper = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    if ((upper << 16 & 0x7fffffffu) > largest) upper = bits >> 16;
    if (Magnitude(values[i]) > 0x7f800000u) upper = bits >> 16 | 0x40u;
    Store(&bytes[2 * i], static_cast<std::uint16_t>(upper));
  }
  return bytes;
}

// The largest scale with 127 * scale <= largest in float arithmetic.
float ScaleFor(float largest) {
  constexpr float kMost = 127;
  float scale = largest / kMost;
  // A subnormal scale has too few digits to be a ratio of anything.
  if (scale < std::numeric_limits<float>::min()) return 0;
  while (kMost * scale > largest) scale = std::nextafter(scale, 0.0f);
  return scale;
}

Bytes EncodeInt8(std::span<const float> values, const Words& words) {
  Bytes bytes(EncodedSize(Encoding::kInt8, values.size()).max);
  std::byte* out = bytes.data();
  std::uint64_t word = 0;
  bool has_half = false;
  // 32 bits a value: two from a word.
  const auto next_uniform = [&] {
    if (!has_half) word = words();
    const auto half = static_cast<std::uint32_t>(has_half ? word >> 32 : word);
    has_half = !has_half;
    return half * 0x1p-32;
  };
  while (!values.empty()) {
    const auto block = values.first(std::min(values.size(), kInt8Block));
    values = values.subspan(block.size());
    const float largest = LargestMagnitude(block);
    const float scale = std::isfinite(largest)
                            ? ScaleFor(largest)
                            : std::numeric_limits<float>::quiet_NaN();
    Store(out, scale);
    out += kScaleBytes;
    if (scale > 0) {
      const double levels_per_unit = 1 / static_cast<double>(scale);
      for (std::size_t i = 0; i < block.size(); ++i) {
        const double point = static_cast<double>(block[i]) * levels_per_unit;
        // floor() without a call: |point| is hardly over 127.
        int below = static_cast<int>(point);
        if (below > point) --below;
        const int rounded = next_uniform() < point - below ? below + 1 : below;
        Store(out + i,
              static_cast<std::int8_t>(std::clamp(rounded, -127, 127)));
      }
    }
    out += block.size();
  }
  return bytes;
}

// How many of `length` coordinates are sent.
std::size_t TopKCount(double fraction, std::size_t length) {
  const double wanted = std::ceil(fraction * static_cast<double>(length));
  return std::clamp(static_cast<std::size_t>(wanted),
                    std::min<std::size_t>(length, 1), length);
}

Bytes EncodeTopK(double fraction, std::span<const float> values) {
  const std::size_t count = TopKCount(fraction, values.size());
  Bytes bytes(kCountBytes * BlockCount(values.size(), kTopKBlock) +
              kPairBytes * count);
  if (count == 0) return bytes;
  std::vector<std::uint32_t> magnitudes(values.size());
  std::ranges::transform(values, magnitudes.begin(), Magnitude);
  const auto last = magnitudes.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::ranges::nth_element(magnitudes, last, std::greater<>());
  const std::uint32_t threshold = *last;
  // Everything above the threshold is sent, and of those at it the first ones.
  auto ties = static_cast<std::size_t>(
      std::count(magnitudes.begin(), last + 1, threshold));
  std::byte* out = bytes.data();
  while (!values.empty()) {
    const auto block = values.first(std::min(values.size(), kTopKBlock));
    values = values.subspan(block.size());
    std::byte* const header = out;
    out += kCountBytes;
    std::uint32_t pairs = 0;
    for (std::size_t i = 0; i < block.size(); ++i) {
      const std::uint32_t magnitude = Magnitude(block[i]);
      if (magnitude < threshold) continue;
      if (magnitude == threshold) {
        if (ties == 0) continue;
        --ties;
      }
      Store(out, static_cast<std::uint16_t>(i));
      Store(out + kIndexBytes, block[i]);
      out += kPairBytes;
      ++pairs;
    }
    Store(header, pairs);
  }
  return bytes;
}

}  // namespace

std::vector<std::byte> Encode(const EncodingOptions& options,
                              std::span<const float> values,
                              const Words& words) {
  switch (options.encoding) {
    case Encoding::kFloat32:
      return EncodeFloat32(values);
    case Encoding::kBfloat16:
      return EncodeBfloat16(values);
    case Encoding::kInt8:
      return EncodeInt8(values, words);
    case Encoding::kTopK:
      return EncodeTopK(options.top_k_fraction, values);
  }
  return {};
}

}  // namespace tributary::aggregation
