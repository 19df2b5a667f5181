// SPDX-License-Identifier: Apache-2.0
#include "coordinator/tree/partial_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregation/invariant.h"
#include "aggregation/vector_clones.h"
#include "coordinator/round/leaf_set.h"
#include "privacy/secagg/packing.h"

namespace tributary::coordinator {
namespace {

using round::Refusal;

// Integers that are packed at once: a multiple of eight, so that blocks begin
// at bytes.
constexpr std::size_t kWriteBlock = 8'192;

absl::Status CheckLeaves(std::uint64_t leaves) {
  if (leaves >= 1 && leaves <= round::LeafSet::kMost) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      leaves, " leaves in a partial sum, not 1 to ", round::LeafSet::kMost));
}

// Of a coordinate that CheckBlock lets pass.
std::int64_t LargestPoint(const aggregation::Grid& grid) {
  return std::llrint(double{grid.LargestValue()} / grid.step());
}

bool IsOver(std::int64_t integer, std::int64_t largest) {
  return integer > largest || integer < -largest;
}

// The sign bit of largest - x and largest + x: none if x is within, but for
// largest = 2^62 itself, and one of them if it is not.
TRIBUTARY_VECTOR_CLONES
std::uint64_t SignsOf(const std::int64_t* __restrict integers,
                      std::size_t count, std::uint64_t largest) {
  std::uint64_t signs = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto word = static_cast<std::uint64_t>(integers[i]);
    signs |= (largest - word) | (largest + word);
  }
  return signs >> 63;
}

// Whether an integer is beyond -largest .. largest.
bool IsAnyOver(std::span<const std::int64_t> integers, std::int64_t largest) {
  return SignsOf(integers.data(), integers.size(),
                 static_cast<std::uint64_t>(largest)) != 0 &&
         std::ranges::any_of(integers, [largest](std::int64_t integer) {
           return IsOver(integer, largest);
         });
}

std::string OverBound(std::span<const std::int64_t> integers,
                      std::size_t offset, std::int64_t largest) {
  const auto found = std::ranges::find_if(
      integers,
      [largest](std::int64_t integer) { return IsOver(integer, largest); });
  return absl::StrCat("coordinate ", offset + (found - integers.begin()),
                      " of the sum is ", *found,
                      ", and its leaves can make no more than ", largest);
}

}  // namespace

void PartialSumFormat::Add(std::size_t count, std::int64_t largest) {
  if (count == 0) return;
  // libstdc++ 12 gives the width in the type of its argument.
  const auto bits =
      static_cast<int>(std::bit_width(static_cast<std::uint64_t>(largest)));
  parts_.push_back({.count = count, .bits = 1 + bits, .largest = largest});
}

absl::StatusOr<PartialSumFormat> PartialSumFormat::OfSum(
    const aggregation::Layout& layout, std::uint64_t leaves,
    std::uint64_t weight) {
  if (absl::Status status = CheckLeaves(leaves); !status.ok()) return status;
  const std::uint64_t most =
      std::uint64_t{layout.parameters.max_weight()} * leaves;
  if (weight < leaves || weight > most) {
    return absl::InvalidArgumentError(
        absl::StrCat("weight ", weight, " of ", leaves,
                     " leaves is not between ", leaves, " and ", most));
  }
  PartialSumFormat format;
  const auto add = [&](const aggregation::Grid& grid, std::size_t count) {
    // At most 2^62, as the grid was made for.
    TRIBUTARY_INVARIANT(grid.max_weight(), >=, layout.parameters.max_weight());
    format.Add(count, static_cast<std::int64_t>(weight) * LargestPoint(grid));
  };
  add(layout.parameters, layout.trainable);
  add(layout.buffers, layout.model() - layout.trainable);
  if (layout.auxiliary) add(*layout.auxiliary, layout.auxiliary_length);
  return format;
}

absl::StatusOr<PartialSumFormat> PartialSumFormat::OfWords(
    std::size_t words, std::int64_t largest_word, std::uint64_t leaves) {
  TRIBUTARY_INVARIANT(largest_word, >, 0);
  if (absl::Status status = CheckLeaves(leaves); !status.ok()) return status;
  const auto count = static_cast<std::int64_t>(leaves);
  constexpr std::int64_t kLargest = std::int64_t{1} << 62;
  if (largest_word > kLargest / count) {
    return absl::InvalidArgumentError(
        absl::StrCat("words of up to ", largest_word, " of ", leaves,
                     " leaves do not add up within 63 bits"));
  }
  PartialSumFormat format;
  format.Add(words, count * largest_word);
  return format;
}

PartialSumFormat PartialSumFormat::OfMaskedWords(std::size_t words,
                                                 int word_bits) {
  TRIBUTARY_INVARIANT(word_bits, >=, secagg::kMinWordBits);
  TRIBUTARY_INVARIANT(word_bits, <=, secagg::kMaxWordBits);
  PartialSumFormat format;
  if (words == 0) return format;
  format.parts_.push_back({.count = words,
                           .bits = word_bits,
                           .largest = std::int64_t{1} << (word_bits - 1)});
  return format;
}

std::size_t PartialSumFormat::length() const {
  return std::accumulate(
      parts_.begin(), parts_.end(), std::size_t{0},
      [](std::size_t sum, const Part& part) { return sum + part.count; });
}

std::uint64_t PartialSumFormat::Bytes() const {
  return std::accumulate(parts_.begin(), parts_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Part& part) {
                           return sum +
                                  secagg::PackedSize(part.count, part.bits);
                         });
}

SumSource SourceOf(const aggregation::ExactSum& sum) {
  return [&sum](std::size_t first, std::span<std::int64_t> out) {
    std::ranges::copy(sum.sums().subspan(first, out.size()), out.begin());
  };
}

absl::Status WritePartialSum(
    const PartialSumFormat& format, const SumSource& source,
    const std::function<absl::Status(std::span<const std::byte>)>& sink) {
  std::vector<std::int64_t> integers;
  std::vector<std::uint64_t> words;
  std::vector<std::byte> packed;
  std::size_t offset = 0;
  for (const PartialSumFormat::Part& part : format.parts()) {
    for (std::size_t first = 0; first < part.count; first += kWriteBlock) {
      integers.resize(std::min(kWriteBlock, part.count - first));
      source(offset + first, integers);
      if (IsAnyOver(integers, part.largest)) {
        return absl::FailedPreconditionError(
            OverBound(integers, offset + first, part.largest));
      }
      words.assign(integers.begin(), integers.end());
      packed.resize(secagg::PackedSize(words.size(), part.bits));
      secagg::Pack(words, part.bits, packed);
      if (absl::Status status = sink(packed); !status.ok()) return status;
    }
    offset += part.count;
  }
  return absl::OkStatus();
}

PartialSumReader::PartialSumReader(PartialSumFormat format)
    : format_(std::move(format)) {
  BeginPart();
}

void PartialSumReader::BeginPart() {
  if (part_ == format_.parts().size()) return;
  const PartialSumFormat::Part& part = format_.parts()[part_];
  words_.emplace(part.count, part.bits);
}

PartialSumReader::Defect PartialSumReader::Feed(
    std::span<const std::byte> bytes, const Sink& sink) {
  received_ += bytes.size();
  while (!bytes.empty() && !is_ended_) {
    if (part_ == format_.parts().size()) {
      return {Refusal::kWrongSize,
              absl::StrCat("more than the ", format_.Bytes(),
                           " bytes of a sum of these leaves")};
    }
    const std::span<const std::byte> some =
        bytes.first(static_cast<std::size_t>(
            std::min<std::uint64_t>(bytes.size(), words_->left())));
    bytes = bytes.subspan(some.size());
    Defect defect;
    words_->Feed(some,
                 [&](std::size_t first, std::span<const std::int64_t> sums) {
                   defect = Pass(offset_ + first, sums, sink);
                   return defect.refusal == Refusal::kNone && !is_ended_;
                 });
    if (defect.refusal != Refusal::kNone) return defect;
    if (words_->left() > 0) break;
    if (words_->HasStrayBits()) {
      return {Refusal::kBadEncoding,
              absl::StrCat("a bit behind coordinate ",
                           offset_ + format_.parts()[part_].count - 1,
                           " of the sum is set")};
    }
    offset_ += format_.parts()[part_++].count;
    BeginPart();
  }
  return {};
}

PartialSumReader::Defect PartialSumReader::Pass(
    std::size_t first, std::span<const std::int64_t> sums, const Sink& sink) {
  const std::int64_t largest = format_.parts()[part_].largest;
  if (IsAnyOver(sums, largest)) {
    return {Refusal::kOverBound, OverBound(sums, first, largest)};
  }
  if (sink && !sink(first, sums)) is_ended_ = true;
  return {};
}

PartialSumReader::Defect PartialSumReader::Finish() const {
  if (received_ == format_.Bytes()) return {};
  return {Refusal::kWrongSize, absl::StrCat(received_,
                                            " bytes, a sum of these "
                                            "leaves has ",
                                            format_.Bytes())};
}

}  // namespace tributary::coordinator
