// SPDX-License-Identifier: Apache-2.0
// Masks: a key's cipher stream read as little-endian words, added to a vector
// or subtracted from it modulo the word. Words beyond the bits that the session
// uses are cut off when the vector is packed: a sum modulo 2^32 is one modulo
// each smaller power of two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "privacy/secagg/secret.h"

namespace tributary::secagg {

enum class StreamCipher {
  kAes256Ctr,  // fastest where the processor has instructions for it
  kChaCha20,   // where it has not
};

// "AES-256-CTR", "ChaCha20".
std::string_view Name(StreamCipher cipher);

enum class Direction { kAdd, kSubtract };

struct Mask {
  Secret key;
  Direction direction = Direction::kAdd;
};

// Ranges of masks start at a multiple of this many words: a whole block of
// either cipher.
inline constexpr std::size_t kMaskAlignment = 16;

// Many masks, generated side by side along a vector: a block of each while the
// block of the vector is in the cache. One thread at a time; several threads
// take one each for different ranges. Keeps less than 1 KiB a mask.
class MaskStreams {
 public:
  // From word `first_word` on, a multiple of kMaskAlignment. The masks are not
  // needed afterwards. Words are of `word_size` bytes, 4 or 8.
  MaskStreams(StreamCipher cipher, std::span<const Mask> masks,
              std::size_t first_word, std::size_t word_size);
  ~MaskStreams();
  MaskStreams(MaskStreams&&) noexcept;
  MaskStreams& operator=(MaskStreams&&) noexcept;

  // Applies the next words of every mask. Of all calls but the last, the length
  // is a multiple of kMaskAlignment.
  void Apply(std::span<std::uint32_t> words);
  void Apply(std::span<std::uint64_t> words);

 private:
  struct Stream;
  template <typename Word>
  void ApplyTo(std::span<Word> words);

  std::vector<Stream> added_;
  std::vector<Stream> subtracted_;
  std::size_t word_size_;
};

// Applies all masks to words [first_word, first_word + words.size()) of a
// vector, a group of masks after the other so that their streams stay small.
void ApplyMasks(StreamCipher cipher, std::span<const Mask> masks,
                std::size_t first_word, std::span<std::uint32_t> words);
void ApplyMasks(StreamCipher cipher, std::span<const Mask> masks,
                std::size_t first_word, std::span<std::uint64_t> words);

}  // namespace tributary::secagg
