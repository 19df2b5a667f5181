// SPDX-License-Identifier: Apache-2.0
// The sum of masked inputs modulo 2^bits, in place until the masks are off: one
// vector, however many clients. Ranges that start at a multiple of
// kMaskAlignment words are independent of each other: several threads work on
// one sum, each on ranges of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "privacy/secagg/mask_stream.h"

namespace tributary::secagg {

class MaskedSum {
 public:
  MaskedSum(std::size_t length, int bits);

  std::size_t length() const { return length_; }
  int bits() const { return bits_; }

  // Adds words [first, first + count) of an input. `packed` are the bytes of
  // this range, PackedSize(count, bits) of them.
  void Add(std::size_t first, std::size_t count,
           std::span<const std::byte> packed);
  // Applies masks to words [first, first + count).
  void Apply(StreamCipher cipher, std::span<const Mask> masks,
             std::size_t first, std::size_t count);

  // The sum's integer at a place, in [-2^(bits-1), 2^(bits-1)).
  std::int64_t At(std::size_t place) const;

 private:
  std::size_t length_;
  int bits_;
  std::variant<std::vector<std::uint32_t>, std::vector<std::uint64_t>> words_;
};

}  // namespace tributary::secagg
