// SPDX-License-Identifier: Apache-2.0
// Packed words (packing.h) out of a stream of bytes that is cut anywhere: each
// byte is read once, as it comes, and a block of words is all that is held.
//
// Pure. One vector of words each, one thread at a time. Less than 10 KiB.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace tributary::secagg {

class PackedReader {
 public:
  // Most words that are passed on together.
  static constexpr std::size_t kBlock = 1'024;
  // Receives words [first, first + integers.size()), each as the integer in
  // [-2^(bits-1), 2^(bits-1)) that it stands for. False ends the reading.
  using Sink = std::function<bool(std::size_t first,
                                  std::span<const std::int64_t> integers)>;

  // Of so many words of `bits` bits.
  PackedReader(std::size_t words, int bits);

  // Bytes of all words, and those that are still to come.
  std::uint64_t size() const { return size_; }
  std::uint64_t left() const { return size_ - received_; }

  // The next bytes, at most left() of them; passes on the words that are
  // complete with them, in order. False once a sink says so; then nothing more
  // is fed.
  bool Feed(std::span<const std::byte> bytes, const Sink& sink);
  // The next bytes where nobody looks at words, of a vector that is never fed.
  void Skip(std::span<const std::byte> bytes);
  // With all bytes there: whether a bit behind the last word is set.
  bool HasStrayBits() const;

 private:
  // Words that start at a byte do so again after eight.
  static constexpr std::size_t kGroup = 8;

  bool Pass(std::span<const std::byte> packed, std::size_t count,
            const Sink& sink);

  std::size_t words_;
  int bits_;
  std::uint64_t size_;
  std::uint64_t received_ = 0;
  std::byte last_{};
  std::size_t passed_ = 0;               // words
  std::array<std::byte, 64> partial_{};  // of a group that is cut
  std::size_t partial_size_ = 0;
  std::array<std::int64_t, kBlock> block_;
};

}  // namespace tributary::secagg
