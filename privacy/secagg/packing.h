// SPDX-License-Identifier: Apache-2.0
// Words of 1 to 64 bits, one after the other, the lowest bit first: word i is
// bits [i * bits, (i + 1) * bits) of a little-endian stream. Bits behind the
// last word are zero. Pure; any thread.
//
// A range that starts at a multiple of eight words starts at a byte: its packed
// bytes are those of a vector of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tributary::secagg {

// The modulus of masked sums, 2^bits. Up to 32, they are kept in 32-bit words.
inline constexpr int kMinWordBits = 8;
inline constexpr int kMaxWordBits = 62;

constexpr std::size_t PackedSize(std::size_t words, int bits) {
  return (words * static_cast<std::size_t>(bits) + 7) / 8;
}

// Bits of a word beyond `bits` are cut off. `out` has PackedSize bytes.
void Pack(std::span<const std::uint32_t> words, int bits,
          std::span<std::byte> out);
void Pack(std::span<const std::uint64_t> words, int bits,
          std::span<std::byte> out);

// sum[i] <- sum[i] + word i, modulo the size of the sum's words. `packed` has
// PackedSize bytes.
void AddPacked(std::span<const std::byte> packed, int bits,
               std::span<std::uint32_t> sum);
void AddPacked(std::span<const std::byte> packed, int bits,
               std::span<std::uint64_t> sum);

// integers[i] <- the integer in [-2^(bits-1), 2^(bits-1)) that word i stands
// for. `packed` has PackedSize bytes.
void Unpack(std::span<const std::byte> packed, int bits,
            std::span<std::int64_t> integers);

// False if the size is wrong, or a bit behind the last word is set.
bool IsPacked(std::span<const std::byte> packed, std::size_t words, int bits);

}  // namespace tributary::secagg
