// SPDX-License-Identifier: Apache-2.0
#include "coordinator/wire/partial_sum.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::coordinator {
namespace {

// Of the longest names so many fit into 1 MiB.
constexpr std::size_t kPage = 8'000;

}  // namespace

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

std::vector<v1::LeafPage> ToPages(const round::LeafSet& leaves) {
  std::vector<v1::LeafPage> pages;
  std::span<const round::ClientId> rest = leaves.leaves();
  do {
    v1::LeafPage& page = pages.emplace_back();
    const auto some = rest.first(std::min(kPage, rest.size()));
    for (const round::ClientId& leaf : some) page.add_leaves(leaf.name);
    rest = rest.subspan(some.size());
    page.set_is_last(rest.empty());
  } while (!rest.empty());
  return pages;
}

absl::Status LeafPages::Add(const v1::LeafPage& page) {
  if (is_complete_) {
    return absl::InvalidArgumentError("a page of leaves after the last");
  }
  const auto count = static_cast<std::size_t>(page.leaves_size());
  if (count == 0 && !page.is_last()) {
    return absl::InvalidArgumentError("an empty page of leaves");
  }
  if (count > announced_.leaves - leaves_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("more leaves than the ", announced_.leaves, " announced"));
  }
  for (const std::string& leaf : page.leaves()) leaves_.push_back({leaf});
  is_complete_ = page.is_last();
  return absl::OkStatus();
}

absl::StatusOr<round::LeafSet> LeafPages::Take() && {
  if (!is_complete_) {
    return absl::InvalidArgumentError("the last page of leaves is missing");
  }
  const std::size_t count = leaves_.size();
  auto set = round::LeafSet::Make(std::move(leaves_));
  if (!set.ok()) return set;
  if (count == announced_.leaves && set->Name() == announced_.names) return set;
  return absl::InvalidArgumentError(
      absl::StrCat("the list of ", count, " leaves is not the one of ",
                   announced_.leaves, " that was announced"));
}

}  // namespace tributary::coordinator
