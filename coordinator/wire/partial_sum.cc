// SPDX-License-Identifier: Apache-2.0
#include "coordinator/wire/partial_sum.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace tributary::coordinator {
v1::PartialSum ToMessage(const round::Subtree& subtree) {
  v1::PartialSum message;
  message.set_epoch(subtree.epoch);
  message.set_leaves(subtree.leaves);
  message.set_weight(subtree.weight);
  message.set_leaves_sha256(std::string(subtree.names.AsBytes()));
  return message;
}

absl::StatusOr<round::Subtree> ToSubtree(const v1::PartialSum& message) {
  // A number that is 0 is not on the wire, so no limit sees it.
  if (message.epoch() == 0 || message.leaves() == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        message.epoch() == 0 ? "epoch" : "leaves", ": 0 is less than 1"));
  }
  const auto names = Digest::FromBytes(message.leaves_sha256());
  if (!names.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "leaves_sha256: ", message.leaves_sha256().size(), " bytes, not 32"));
  }
  return round::Subtree{.epoch = message.epoch(),
                        .leaves = message.leaves(),
                        .weight = message.weight(),
                        .names = *names};
}

}  // namespace tributary::coordinator
