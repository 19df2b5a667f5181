// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/round_sum.h"

#include <algorithm>
#include <functional>
#include <span>

#include "absl/strings/str_cat.h"
#include "coordinator/runner/checksum.h"

namespace tributary::coordinator {
namespace {

constexpr std::size_t kReadBytes = 256u << 10;

// Passes the update's bytes to `sink` and compares their checksum at the end.
absl::Status ReadSpooled(
    const SpooledUpdate& update,
    const std::function<absl::Status(std::span<const std::byte>)>& sink) {
  Checksum checksum;
  std::vector<std::byte> buffer(static_cast<std::size_t>(
      std::min<std::uint64_t>(update.size, kReadBytes)));
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
    : sum_(layout), stripes_(layout.length / kStripe + 1) {}

absl::Status RoundSum::Fold(UpdateFold& fold) {
  const auto add = [&](std::size_t offset, std::span<const float> values) {
    if (is_cancelled_) return absl::CancelledError("the attempt is over");
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
      sum_.AddBlock(offset, values.first(count), fold.weight);
      offset += count;
      fold.added = offset;
      values = values.subspan(count);
    }
    return absl::OkStatus();
  };
  aggregation::UpdateDecoder decoder(fold.update.encoding,
                                     sum_.layout().length);
  absl::Status status = ReadSpooled(
      fold.update, [&](auto bytes) { return decoder.Feed(bytes, add); });
  if (status.ok()) status = decoder.Finish();
  if (!status.ok()) return status;
  const std::lock_guard lock(contributions_);
  sum_.AddContribution(fold.weight);
  return absl::OkStatus();
}

}  // namespace tributary::coordinator
