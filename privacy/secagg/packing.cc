// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/packing.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace tributary::secagg {
namespace {

static_assert(std::endian::native == std::endian::little);

__extension__ using Wide = unsigned __int128;

template <typename Word>
constexpr Word MaskOf(int bits) {
  return static_cast<Word>(~std::uint64_t{0} >> (64 - bits));
}

template <typename Word>
void Demand(std::size_t words, int bits, std::size_t bytes) {
  if (bits < 1 || bits > static_cast<int>(8 * sizeof(Word)) ||
      bytes != PackedSize(words, bits)) {
    std::abort();
  }
}

template <typename Word>
void PackWords(std::span<const Word> words, int bits,
               std::span<std::byte> out) {
  Demand<Word>(words.size(), bits, out.size());
  if (words.empty()) return;
  if (bits == 8 * sizeof(Word)) {
    std::memcpy(out.data(), words.data(), out.size());
    return;
  }
  const std::uint64_t mask = MaskOf<std::uint64_t>(bits);
  std::byte* to = out.data();
  std::uint64_t waiting = 0;
  int count = 0;  // of bits waiting
  for (const Word word : words) {
    const std::uint64_t value = word & mask;
    waiting |= value << count;
    count += bits;
    if (count < 64) continue;
    std::memcpy(to, &waiting, 8);
    to += 8;
    count -= 64;
    waiting = count == 0 ? 0 : value >> (bits - count);
  }
  std::memcpy(to, &waiting, static_cast<std::size_t>(count + 7) / 8);
}

// Eight bytes, of which some may lie behind the end.
std::uint64_t LoadTail(std::span<const std::byte> packed, std::size_t at) {
  std::uint64_t value = 0;
  if (at < packed.size()) {
    std::memcpy(&value, packed.data() + at,
                packed.size() - at < 8 ? packed.size() - at : 8);
  }
  return value;
}

template <typename Word>
Word WordAt(std::span<const std::byte> packed, int bits, std::size_t index) {
  const std::size_t bit = index * static_cast<std::size_t>(bits);
  const Wide window =
      Wide{LoadTail(packed, bit / 8 + 8)} << 64 | LoadTail(packed, bit / 8);
  return static_cast<Word>(window >> bit % 8) & MaskOf<Word>(bits);
}

// Words as wide as the sum's; the compiler makes vectors of it.
template <typename Word>
void AddWhole(std::span<const std::byte> packed, std::span<Word> sum) {
  const std::byte* from = packed.data();
  for (std::size_t i = 0; i < sum.size(); ++i) {
    Word word;
    std::memcpy(&word, from + i * sizeof(Word), sizeof(Word));
    sum[i] += word;
  }
}

template <typename Word>
void AddWords(std::span<const std::byte> packed, int bits,
              std::span<Word> sum) {
  Demand<Word>(sum.size(), bits, packed.size());
  if (bits == 8 * sizeof(Word)) {
    AddWhole(packed, sum);
    return;
  }
  const Word mask = MaskOf<Word>(bits);
  std::size_t i = 0;
  // A word that starts in the middle of a byte reaches over eight bytes at most
  // if it has 57 bits or fewer; the last ones are read with care.
  if (bits <= 57 && packed.size() >= 8) {
    const std::size_t safe =
        (packed.size() - 8) * 8 / static_cast<std::size_t>(bits);
    const std::byte* const from = packed.data();
    std::size_t bit = 0;
    for (; i < safe && i < sum.size(); ++i) {
      std::uint64_t window;
      std::memcpy(&window, from + bit / 8, 8);
      sum[i] += static_cast<Word>(window >> bit % 8) & mask;
      bit += static_cast<std::size_t>(bits);
    }
  }
  for (; i < sum.size(); ++i) sum[i] += WordAt<Word>(packed, bits, i);
}

// Words that start at a byte do so again after eight.
constexpr std::size_t kGroup = 8;
// A word that starts in the last byte of a group is read with this many more.
constexpr std::size_t kReadBeyond = 9;

// The integer of the word at this bit of a group: shifts and places are numbers
// in the code, a few instructions a word.
template <int kBit, int kBits>
std::int64_t IntegerAt(const std::byte* group) {
  constexpr int kShift = kBit % 8;
  std::uint64_t window;
  std::memcpy(&window, group + kBit / 8, sizeof(window));
  if constexpr (kShift + kBits > 64) {
    const auto last = std::to_integer<std::uint64_t>(group[kBit / 8 + 8]);
    window = window >> kShift | last << (64 - kShift);
    return static_cast<std::int64_t>(window << (64 - kBits)) >> (64 - kBits);
  } else {
    return static_cast<std::int64_t>(window << (64 - kBits - kShift)) >>
           (64 - kBits);
  }
}

template <int kBits>
void UnpackGroups(const std::byte* from, std::size_t groups, std::int64_t* to) {
  for (std::size_t i = 0; i < groups; ++i) {
    [&]<int... kWord>(std::integer_sequence<int, kWord...>) {
      ((to[kWord] = IntegerAt<kWord * kBits, kBits>(from)), ...);
    }
    (std::make_integer_sequence<int, kGroup>());
    from += kBits;
    to += kGroup;
  }
}

using Unpacker = void (*)(const std::byte*, std::size_t, std::int64_t*);
template <int... kBits>
constexpr std::array<Unpacker, sizeof...(kBits)> UnpackersOf(
    std::integer_sequence<int, kBits...>) {
  return {UnpackGroups<kBits + 1>...};
}
constexpr std::array<Unpacker, 64> kUnpackers =
    UnpackersOf(std::make_integer_sequence<int, 64>());

}  // namespace

void Unpack(std::span<const std::byte> packed, int bits,
            std::span<std::int64_t> integers) {
  Demand<std::uint64_t>(integers.size(), bits, packed.size());
  const Unpacker unpack = kUnpackers[static_cast<std::size_t>(bits - 1)];
  const auto group = static_cast<std::size_t>(bits);
  const std::size_t safe =
      packed.size() > kReadBeyond ? (packed.size() - kReadBeyond) / group : 0;
  unpack(packed.data(), safe, integers.data());
  packed = packed.subspan(safe * group);
  integers = integers.subspan(safe * kGroup);
  // The last few, from a copy with room behind it.
  std::array<std::byte, 128> copy{};
  std::array<std::int64_t, 128> rest;
  std::ranges::copy(packed, copy.begin());
  unpack(copy.data(), (integers.size() + kGroup - 1) / kGroup, rest.data());
  std::ranges::copy(std::span(rest).first(integers.size()), integers.begin());
}

void Pack(std::span<const std::uint32_t> words, int bits,
          std::span<std::byte> out) {
  PackWords(words, bits, out);
}
void Pack(std::span<const std::uint64_t> words, int bits,
          std::span<std::byte> out) {
  PackWords(words, bits, out);
}

void AddPacked(std::span<const std::byte> packed, int bits,
               std::span<std::uint32_t> sum) {
  AddWords(packed, bits, sum);
}
void AddPacked(std::span<const std::byte> packed, int bits,
               std::span<std::uint64_t> sum) {
  AddWords(packed, bits, sum);
}

bool IsPacked(std::span<const std::byte> packed, std::size_t words, int bits) {
  if (packed.size() != PackedSize(words, bits)) return false;
  const std::size_t used = words * static_cast<std::size_t>(bits) % 8;
  return used == 0 || static_cast<unsigned>(packed.back()) >> used == 0;
}

}  // namespace tributary::secagg
