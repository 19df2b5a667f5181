// SPDX-License-Identifier: Apache-2.0
// Any bytes as a packed update, cut anywhere: what is taken has the right size,
// no bits behind its end, and words and a norm within their bounds, as decoding
// it at once finds. Input: masks and scalars, bits of a word, length (u16),
// size of a piece, then the update.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "coordinator/secure/packed_check.h"
#include "privacy/secagg/modulus.h"
#include "privacy/secagg/packing.h"

namespace secagg = tributary::secagg;
using tributary::aggregation::IntegerFormat;
using tributary::coordinator::IntegerRound;
using tributary::coordinator::Masks;
using tributary::coordinator::PackedCheck;
using tributary::round::Refusal;

namespace {

bool IsGood(const IntegerRound& round, Masks masks,
            std::span<const std::byte> bytes) {
  const IntegerFormat& format = round.format;
  const std::size_t count = format.Words();
  if (!secagg::IsPacked(bytes, count, format.word_bits)) return false;
  if (masks == Masks::kOn) return true;
  std::vector<std::uint64_t> words(count);
  secagg::AddPacked(bytes, format.word_bits, words);
  tributary::aggregation::WideInteger squared = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = static_cast<std::uint64_t>(
        std::abs(secagg::Centred(words[i], format.word_bits)));
    if (value > static_cast<std::uint64_t>(round.largest_word)) return false;
    if (i >= format.layout.length) {
      const bool is_bit = format.scalars == IntegerFormat::Scalars::kClipWord;
      if (round.HasNormBound() && is_bit && value != 1) return false;
    } else {
      squared += tributary::aggregation::WideInteger{value} * value;
    }
  }
  return !round.HasNormBound() ||
         tributary::aggregation::IsWithin(squared, round.update.norm_bound());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size < 5) return 0;
  const Masks masks = data[0] % 2 == 0 ? Masks::kOn : Masks::kOff;
  const std::size_t length = 1 + (data[2] | data[3] << 8) % 5'000;
  const std::size_t piece = 1 + data[4];
  const auto bytes = std::as_bytes(std::span(data, size).subspan(5));

  const auto grid = tributary::aggregation::Grid::Make({1, 1, 8}).value();
  auto round = std::make_shared<IntegerRound>(IntegerRound{
      .update = {},
      .format = {.layout = {length, length, grid, grid},
                 .scalars =
                     static_cast<IntegerFormat::Scalars>(data[0] / 2 % 3),
                 .word_bits = 8 + data[1] % 55},
      .largest_word = 100,
      .privacy = std::nullopt});
  if (data[0] / 8 % 2 == 0) round->privacy.emplace();
  round->update.set_norm_bound(300);

  PackedCheck check(round, masks);
  bool is_ok = true;
  for (auto rest = bytes; is_ok && !rest.empty();) {
    const auto part = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(part.size());
    is_ok = check.Feed(part).refusal == Refusal::kNone;
  }
  is_ok = is_ok && check.Finish().refusal == Refusal::kNone;
  if (is_ok != IsGood(*round, masks, bytes)) std::abort();
  return 0;
}
