// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/server/masked_sum.h"

#include <cstdlib>

#include "privacy/secagg/modulus.h"
#include "privacy/secagg/packing.h"

namespace tributary::secagg {

MaskedSum::MaskedSum(std::size_t length, int bits)
    : length_(length), bits_(bits) {
  if (bits <= 32) {
    words_.emplace<0>(length);
  } else {
    words_.emplace<1>(length);
  }
}

void MaskedSum::Add(std::size_t first, std::size_t count,
                    std::span<const std::byte> packed) {
  if (first % kMaskAlignment != 0 || first + count > length_) std::abort();
  std::visit(
      [&](auto& words) {
        AddPacked(packed, bits_, std::span(words).subspan(first, count));
      },
      words_);
}

void MaskedSum::Apply(StreamCipher cipher, std::span<const Mask> masks,
                      std::size_t first, std::size_t count) {
  if (first + count > length_) std::abort();
  std::visit(
      [&](auto& words) {
        ApplyMasks(cipher, masks, first,
                   std::span(words).subspan(first, count));
      },
      words_);
}

std::int64_t MaskedSum::At(std::size_t place) const {
  return std::visit(
      [&](const auto& words) { return Centred(words[place], bits_); }, words_);
}

}  // namespace tributary::secagg
