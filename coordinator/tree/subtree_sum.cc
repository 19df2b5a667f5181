// SPDX-License-Identifier: Apache-2.0
#include "coordinator/tree/subtree_sum.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::coordinator {

using round::Refusal;

absl::Status WriteSubtreeSum(
    const round::LeafSet& leaves, const PartialSumFormat& format,
    const SumSource& source,
    const std::function<absl::Status(std::span<const std::byte>)>& sink) {
  absl::Status status = WriteLeafNames(leaves, sink);
  if (!status.ok()) return status;
  return WritePartialSum(format, source, sink);
}

SubtreeSumReader::SubtreeSumReader(const round::Subtree& announced,
                                   PartialSumFormat format, std::uint64_t size)
    : names_(announced),
      sum_(format),
      sum_bytes_(format.Bytes()),
      size_(size) {}

SubtreeSumReader::Defect SubtreeSumReader::Feed(
    std::span<const std::byte> bytes) {
  if (!names_.IsComplete()) {
    Defect defect = names_.Feed(bytes);
    if (defect.refusal != Refusal::kNone) return defect;
    if (!names_.IsComplete()) return {};
    // Before the first integer: the rest is not worth receiving.
    if (size_ != names_.received() + sum_bytes_) {
      return {Refusal::kWrongSize,
              absl::StrCat("names of ", names_.received(), " bytes and a sum ",
                           "of ", sum_bytes_, " are not the ", size_,
                           " bytes announced")};
    }
  }
  return sum_.Feed(bytes, {});
}

SubtreeSumReader::Defect SubtreeSumReader::Finish() const {
  if (!names_.IsComplete()) {
    return {Refusal::kWrongSize, "the bytes end among the names of the leaves"};
  }
  return sum_.Finish();
}

}  // namespace tributary::coordinator
