// SPDX-License-Identifier: Apache-2.0
// The sizes of the layouts in encoding.h, shared by encoder and decoder only.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tributary::aggregation {

// Values are copied to and from the wire as they lie in memory.
static_assert(std::endian::native == std::endian::little);

inline constexpr std::size_t kInt8Block = 1'024;
inline constexpr std::size_t kScaleBytes = 4;
inline constexpr std::size_t kTopKBlock = 65'536;
inline constexpr std::size_t kCountBytes = 4;
inline constexpr std::size_t kIndexBytes = 2;
inline constexpr std::size_t kPairBytes = kIndexBytes + 4;

constexpr std::uint64_t BlockCount(std::uint64_t length, std::uint64_t block) {
  return length / block + (length % block != 0 ? 1 : 0);
}

template <typename Value>
Value Load(const std::byte* from) {
  Value value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

template <typename Value>
void Store(std::byte* to, Value value) {
  std::memcpy(to, &value, sizeof(value));
}

}  // namespace tributary::aggregation
