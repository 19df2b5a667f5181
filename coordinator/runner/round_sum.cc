// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/round_sum.h"

#include <algorithm>
#include <functional>
#include <span>

#include "absl/strings/str_cat.h"
#include "coordinator/runner/checksum.h"
#include "coordinator/tree/partial_sum.h"
#include "privacy/secagg/mask_stream.h"
#include "privacy/secagg/packing.h"

namespace tributary::coordinator {
namespace {

constexpr std::size_t kReadBytes = 256u << 10;

// Passes the update's bytes to `sink`, in blocks of this size, and compares
// their checksum at the end.
absl::Status ReadSpooled(
    const SpooledUpdate& update, std::size_t block_size,
    const std::function<absl::Status(std::span<const std::byte>)>& sink) {
  Checksum checksum;
  std::vector<std::byte> buffer(static_cast<std::size_t>(
      std::min<std::uint64_t>(update.size, block_size)));
  for (std::uint64_t offset = 0; offset < update.size;) {
    const std::span<std::byte> block =
        std::span(buffer).first(static_cast<std::size_t>(
            std::min<std::uint64_t>(buffer.size(), update.size - offset)));
    absl::Status status = update.slot->file().ReadFully(offset, block);
    if (!status.ok()) return status;
    checksum.Update(block);
    status = sink(block);
    if (!status.ok()) return status;
    offset += block.size();
  }
  if (checksum.Value() == update.checksum) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("spooled update ",
                                          update.slot->file().path().string(),
                                          " is damaged: wrong checksum"));
}

}  // namespace

RoundSum::RoundSum(const aggregation::Layout& layout)
    : sum_(aggregation::ExactSum(layout)),
      stripes_(layout.length / kStripe + 1) {}

RoundSum::RoundSum(const IntegerRound& round)
    : sum_(secagg::MaskedSum(round.format.Words(), round.format.word_bits)),
      stripes_(round.format.Words() / kStripe + 1) {}

absl::Status RoundSum::Fold(UpdateFold& fold) {
  const absl::Status status =
      std::visit([&](auto& sum) { return FoldInto(sum, fold); }, sum_);
  if (!status.ok()) return status;
  const std::lock_guard lock(contributions_);
  auto* sum = std::get_if<aggregation::ExactSum>(&sum_);
  if (sum != nullptr && fold.update.leaves > 0) {
    sum->AddContributions(fold.weight, fold.update.leaves);
  } else if (sum != nullptr) {
    sum->AddContribution(static_cast<std::uint32_t>(fold.weight));
  }
  ++folded_;
  return absl::OkStatus();
}

template <typename Value, typename Add>
void RoundSum::AddByStripes(UpdateFold& fold, std::size_t offset,
                            std::span<const Value> values, const Add& add) {
  // A try that broke off has added these.
  if (offset < fold.added) {
    const std::size_t known = std::min(values.size(), fold.added - offset);
    offset += known;
    values = values.subspan(known);
  }
  while (!values.empty()) {
    const std::size_t stripe = offset / kStripe;
    const std::size_t count =
        std::min(values.size(), (stripe + 1) * kStripe - offset);
    const std::lock_guard lock(stripes_[stripe]);
    add(offset, values.first(count));
    offset += count;
    fold.added = offset;
    values = values.subspan(count);
  }
}

absl::Status RoundSum::FoldInto(aggregation::ExactSum& sum, UpdateFold& fold) {
  if (fold.update.leaves > 0) return FoldPartialSum(sum, fold);
  const auto weight = static_cast<std::uint32_t>(fold.weight);
  const auto add = [&](std::size_t offset, std::span<const float> values) {
    if (is_cancelled_) return absl::CancelledError("the attempt is over");
    AddByStripes(fold, offset, values, [&](std::size_t first, auto some) {
      sum.AddBlock(first, some, weight);
    });
    return absl::OkStatus();
  };
  aggregation::UpdateDecoder decoder(fold.update.encoding, sum.layout().length);
  const absl::Status status =
      ReadSpooled(fold.update, kReadBytes,
                  [&](auto bytes) { return decoder.Feed(bytes, add); });
  return status.ok() ? decoder.Finish() : status;
}

absl::Status RoundSum::FoldPartialSum(aggregation::ExactSum& sum,
                                      UpdateFold& fold) {
  const auto format =
      PartialSumFormat::OfSum(sum.layout(), fold.update.leaves, fold.weight);
  if (!format.ok()) return absl::DataLossError(format.status().message());
  if (fold.update.size < format->Bytes()) {
    return absl::DataLossError(absl::StrCat("a spooled sum has ",
                                            fold.update.size, " bytes, not ",
                                            format->Bytes()));
  }
  // The names, which were read when they came.
  std::uint64_t skipped = fold.update.size - format->Bytes();
  PartialSumReader reader(*format);
  return ReadSpooled(
      fold.update, kReadBytes,
      [&](std::span<const std::byte> bytes) -> absl::Status {
        const auto count = static_cast<std::size_t>(
            std::min<std::uint64_t>(skipped, bytes.size()));
        skipped -= count;
        const PartialSumReader::Defect defect = reader.Feed(
            bytes.subspan(count),
            [&](std::size_t offset, std::span<const std::int64_t> sums) {
              AddByStripes(fold, offset, sums,
                           [&](std::size_t first, auto some) {
                             sum.AddSums(first, some);
                           });
              return true;
            });
        if (is_cancelled_) return absl::CancelledError("the attempt is over");
        if (defect.refusal == round::Refusal::kNone) return absl::OkStatus();
        return absl::DataLossError(
            absl::StrCat("a spooled sum is damaged: ", defect.detail));
      });
}

// A stripe of packed words is whole bytes, read at once.
absl::Status RoundSum::FoldInto(secagg::MaskedSum& sum, UpdateFold& fold) {
  static_assert(kStripe % secagg::kMaskAlignment == 0 && kStripe % 8 == 0);
  const std::size_t size = secagg::PackedSize(sum.length(), sum.bits());
  if (fold.update.size != size) {
    return absl::DataLossError(absl::StrCat(
        "a spooled update has ", fold.update.size, " bytes, not ", size));
  }
  std::size_t first = 0;
  return ReadSpooled(fold.update, secagg::PackedSize(kStripe, sum.bits()),
                     [&](std::span<const std::byte> bytes) {
                       if (is_cancelled_)
                         return absl::CancelledError("the attempt is over");
                       const std::size_t count =
                           std::min(kStripe, sum.length() - first);
                       // Unless a try that broke off has added these.
                       if (first == fold.added) {
                         const std::lock_guard lock(stripes_[first / kStripe]);
                         sum.Add(first, count, bytes);
                         fold.added = first + count;
                       }
                       first += count;
                       return absl::OkStatus();
                     });
}

}  // namespace tributary::coordinator
