// SPDX-License-Identifier: Apache-2.0
#include "coordinator/secure/packed_check.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "privacy/secagg/modulus.h"
#include "privacy/secagg/packing.h"

namespace tributary::coordinator {

using round::Refusal;

PackedCheck::PackedCheck(std::shared_ptr<const IntegerRound> round, Masks masks)
    : round_(std::move(round)), masks_(masks), size_(Size(*round_)) {}

std::uint64_t PackedCheck::Size(const IntegerRound& round) {
  return secagg::PackedSize(round.format.Words(), round.format.word_bits);
}

PackedCheck::Defect PackedCheck::Feed(std::span<const std::byte> bytes) {
  if (bytes.empty()) return {};
  if (bytes.size() > size_ - received_) {
    return {Refusal::kWrongSize,
            absl::StrCat("more than the ", size_, " bytes of an update")};
  }
  received_ += bytes.size();
  last_ = bytes.back();
  if (masks_ == Masks::kOn) return {};

  const auto group = static_cast<std::size_t>(round_->format.word_bits);
  if (partial_size_ > 0) {
    const std::size_t taken = std::min(bytes.size(), group - partial_size_);
    std::ranges::copy(bytes.first(taken), partial_.begin() + partial_size_);
    partial_size_ += taken;
    bytes = bytes.subspan(taken);
    if (partial_size_ < group) return {};
    partial_size_ = 0;
    const Defect defect = CheckWords(std::span(partial_).first(group), kGroup);
    if (defect.refusal != Refusal::kNone) return defect;
  }
  while (bytes.size() >= group) {
    const std::size_t groups = std::min(bytes.size() / group, kBlock / kGroup);
    const Defect defect =
        CheckWords(bytes.first(groups * group), groups * kGroup);
    if (defect.refusal != Refusal::kNone) return defect;
    bytes = bytes.subspan(groups * group);
  }
  std::ranges::copy(bytes, partial_.begin());
  partial_size_ = bytes.size();
  return {};
}

PackedCheck::Defect PackedCheck::CheckWords(std::span<const std::byte> packed,
                                            std::size_t count) {
  const aggregation::IntegerFormat& format = round_->format;
  std::array<std::uint64_t, kBlock> block{};
  const std::span<std::uint64_t> words = std::span(block).first(count);
  secagg::AddPacked(packed, format.word_bits, words);
  const bool has_bound = round_->HasNormBound();
  for (const std::uint64_t word : words) {
    const std::int64_t value = secagg::Centred(word, format.word_bits);
    const auto magnitude =
        static_cast<std::uint64_t>(value < 0 ? -value : value);
    const bool is_coordinate = checked_ < format.layout.length;
    const bool is_clip_word =
        !is_coordinate &&
        format.scalars == aggregation::IntegerFormat::Scalars::kClipWord;
    // Noise is on clip words too.
    if (magnitude > static_cast<std::uint64_t>(round_->largest_word) ||
        (has_bound && is_clip_word && magnitude != 1)) {
      return {Refusal::kOverBound,
              absl::StrCat("word ", checked_, " is larger than one can be")};
    }
    if (has_bound && is_coordinate) {
      squared_ += aggregation::WideInteger{magnitude} * magnitude;
    }
    ++checked_;
  }
  return {};
}

PackedCheck::Defect PackedCheck::Finish() {
  if (received_ != size_) {
    return {Refusal::kWrongSize,
            absl::StrCat(received_, " bytes, an update has ", size_)};
  }
  const aggregation::IntegerFormat& format = round_->format;
  const std::size_t used =
      format.Words() * static_cast<std::size_t>(format.word_bits) % 8;
  if (used != 0 && std::to_integer<unsigned>(last_) >> used != 0) {
    return {Refusal::kBadEncoding, "a bit behind the last word is set"};
  }
  if (masks_ == Masks::kOn) return {};
  const Defect defect = CheckWords(std::span(partial_).first(partial_size_),
                                   format.Words() - checked_);
  partial_size_ = 0;
  if (defect.refusal != Refusal::kNone) return defect;
  if (round_->HasNormBound() &&
      !aggregation::IsWithin(squared_, round_->update.norm_bound())) {
    return {Refusal::kOverBound,
            "the norm of its integers is over the round's bound"};
  }
  return {};
}

}  // namespace tributary::coordinator
