// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/transfer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "aggregation/exact_sum.h"

namespace tributary::coordinator {

using round::Refusal;

namespace {

template <typename Defect>
Transfer::Outcome ToOutcome(Defect defect) {
  return {{}, defect.refusal, std::move(defect.detail)};
}

std::variant<aggregation::UpdateDecoder, PackedCheck, SubtreeSumReader>
ReaderOf(const UploadTerms& terms) {
  if (const auto& subtree = terms.contribution.subtree) {
    // There is one: it was announced.
    const auto format = PartialSumFormat::OfSum(
        terms.format->layout, subtree->leaves, subtree->weight);
    return SubtreeSumReader(*subtree, format.value(), terms.size);
  }
  if (terms.integers != nullptr) {
    return PackedCheck(terms.integers, terms.masks);
  }
  return aggregation::UpdateDecoder(terms.format->encoding,
                                    terms.format->layout.length);
}

}  // namespace

Transfer::Running::Running(const UploadTerms& terms)
    : reader(ReaderOf(terms)) {}

Transfer::Outcome Transfer::Digest(std::span<const std::byte> bytes) {
  running_->checksum.Update(bytes);
  if (auto* check = std::get_if<PackedCheck>(&running_->reader)) {
    return ToOutcome(check->Feed(bytes));
  }
  if (auto* sum = std::get_if<SubtreeSumReader>(&running_->reader)) {
    return ToOutcome(sum->Feed(bytes));
  }
  return Decode(std::get<aggregation::UpdateDecoder>(running_->reader), bytes);
}

Transfer::Outcome Transfer::Decode(aggregation::UpdateDecoder& decoder,
                                   std::span<const std::byte> bytes) const {
  const aggregation::Layout& layout = terms_.format->layout;
  auto block_defect = aggregation::BlockDefect::kNone;
  std::size_t block_offset = 0;
  const absl::Status status = decoder.Feed(
      bytes, [&](std::size_t offset, std::span<const float> values) {
        block_defect = aggregation::CheckBlock(layout, offset, values);
        block_offset = offset;
        return block_defect == aggregation::BlockDefect::kNone
                   ? absl::OkStatus()
                   : absl::InvalidArgumentError("value out of range");
      });
  if (status.ok()) return {};
  const std::string where =
      absl::StrCat("among the values from ", block_offset);
  switch (block_defect) {
    case aggregation::BlockDefect::kNotFinite:
      return {{}, Refusal::kNotFinite, absl::StrCat("NaN or infinity ", where)};
    case aggregation::BlockDefect::kOverBound:
      return {{},
              Refusal::kOverBound,
              absl::StrCat("a magnitude over the plan's bound ", where)};
    case aggregation::BlockDefect::kNone:
      break;
  }
  return {{}, Refusal::kBadEncoding, std::string(status.message())};
}

Transfer::Outcome Transfer::Prepare(store::Spool& spool) {
  if (slot_ == nullptr) {
    absl::StatusOr<std::shared_ptr<store::Spool::Slot>> slot = spool.Take();
    if (!slot.ok()) return {slot.status(), Refusal::kNone, {}};
    slot_ = *std::move(slot);
  }
  if (running_ != nullptr) return {};
  running_ = std::make_unique<Running>(terms_);
  constexpr std::uint64_t kReadBytes = 256u << 10;
  std::vector<std::byte> buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(received_, kReadBytes)));
  for (std::uint64_t offset = 0; offset < received_;) {
    const auto block = std::span(buffer).first(static_cast<std::size_t>(
        std::min<std::uint64_t>(buffer.size(), received_ - offset)));
    absl::Status status = slot_->file().ReadFully(offset, block);
    if (!status.ok()) {
      running_.reset();
      return {status, Refusal::kNone, {}};
    }
    Outcome outcome = Digest(block);
    if (!outcome.IsFine()) return outcome;
    offset += block.size();
  }
  return {};
}

Transfer::Outcome Transfer::Write(
    store::Spool& spool, std::span<const std::span<const std::byte>> pieces) {
  std::uint64_t size = 0;
  for (const auto& piece : pieces) size += piece.size();
  if (size > terms_.size - received_) {
    return {{},
            Refusal::kWrongSize,
            absl::StrCat("more than the ", terms_.size, " bytes announced")};
  }
  Outcome outcome = Prepare(spool);
  if (!outcome.IsFine()) return outcome;
  absl::Status status = slot_->file().WritePieces(received_, pieces);
  if (!status.ok()) return {status, Refusal::kNone, {}};
  received_ += size;
  for (const auto& piece : pieces) {
    outcome = Digest(piece);
    if (!outcome.IsFine()) break;
  }
  return outcome;
}

Transfer::Outcome Transfer::Check(store::Spool& spool) {
  Outcome outcome = Prepare(spool);
  if (!outcome.IsFine()) return outcome;
  if (running_->checksum.Value() != terms_.checksum) {
    return {{}, Refusal::kBadChecksum, "the bytes are not those announced"};
  }
  if (auto* check = std::get_if<PackedCheck>(&running_->reader)) {
    return ToOutcome(check->Finish());
  }
  if (auto* sum = std::get_if<SubtreeSumReader>(&running_->reader)) {
    outcome = ToOutcome(sum->Finish());
    if (outcome.IsFine()) leaves_ = sum->TakeLeaves();
    return outcome;
  }
  const absl::Status status =
      std::get<aggregation::UpdateDecoder>(running_->reader).Finish();
  if (!status.ok()) {
    return {{}, Refusal::kBadEncoding, std::string(status.message())};
  }
  return {};
}

SpooledUpdate Transfer::Spooled() const {
  return {.slot = slot_,
          .encoding = terms_.format->encoding,
          .size = terms_.size,
          .checksum = terms_.checksum,
          .leaves = terms_.contribution.subtree
                        ? terms_.contribution.subtree->leaves
                        : 0};
}

}  // namespace tributary::coordinator
