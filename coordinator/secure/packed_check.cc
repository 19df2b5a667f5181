// SPDX-License-Identifier: Apache-2.0
#include "coordinator/secure/packed_check.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "privacy/secagg/packing.h"

namespace tributary::coordinator {

using round::Refusal;

PackedCheck::PackedCheck(std::shared_ptr<const IntegerRound> round, Masks masks)
    : round_(std::move(round)),
      masks_(masks),
      reader_(round_->format.Words(), round_->format.word_bits) {}

std::uint64_t PackedCheck::Size(const IntegerRound& round) {
  return secagg::PackedSize(round.format.Words(), round.format.word_bits);
}

PackedCheck::Defect PackedCheck::Feed(std::span<const std::byte> bytes) {
  if (bytes.size() > reader_.left()) {
    return {Refusal::kWrongSize, absl::StrCat("more than the ", reader_.size(),
                                              " bytes of an update")};
  }
  if (masks_ == Masks::kOn) {
    reader_.Skip(bytes);
    return {};
  }
  Defect defect;
  reader_.Feed(bytes,
               [&](std::size_t first, std::span<const std::int64_t> words) {
                 defect = CheckWords(first, words);
                 return defect.refusal == Refusal::kNone;
               });
  return defect;
}

PackedCheck::Defect PackedCheck::CheckWords(
    std::size_t first, std::span<const std::int64_t> words) {
  const aggregation::IntegerFormat& format = round_->format;
  const bool has_bound = round_->HasNormBound();
  for (std::size_t i = first; i < first + words.size(); ++i) {
    const std::int64_t value = words[i - first];
    const auto magnitude =
        static_cast<std::uint64_t>(value < 0 ? -value : value);
    const bool is_coordinate = i < format.layout.length;
    const bool is_clip_word =
        !is_coordinate &&
        format.scalars == aggregation::IntegerFormat::Scalars::kClipWord;
    // Noise is on clip words too.
    if (magnitude > static_cast<std::uint64_t>(round_->largest_word) ||
        (has_bound && is_clip_word && magnitude != 1)) {
      return {Refusal::kOverBound,
              absl::StrCat("word ", i, " is larger than one can be")};
    }
    if (has_bound && is_coordinate) {
      squared_ += aggregation::WideInteger{magnitude} * magnitude;
    }
  }
  return {};
}

PackedCheck::Defect PackedCheck::Finish() {
  if (reader_.left() > 0) {
    return {Refusal::kWrongSize,
            absl::StrCat(reader_.size() - reader_.left(),
                         " bytes, an update has ", reader_.size())};
  }
  if (reader_.HasStrayBits()) {
    return {Refusal::kBadEncoding, "a bit behind the last word is set"};
  }
  if (masks_ == Masks::kOn) return {};
  if (round_->HasNormBound() &&
      !aggregation::IsWithin(squared_, round_->update.norm_bound())) {
    return {Refusal::kOverBound,
            "the norm of its integers is over the round's bound"};
  }
  return {};
}

}  // namespace tributary::coordinator
