// SPDX-License-Identifier: Apache-2.0
#include "coordinator/round/leaf_set.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "aggregation/invariant.h"

namespace tributary::round {
namespace {

constexpr std::size_t kLongestName = 128;

}  // namespace

absl::StatusOr<LeafSet> LeafSet::Make(std::vector<ClientId> leaves) {
  if (leaves.size() > kMost) {
    return absl::InvalidArgumentError(
        absl::StrCat(leaves.size(), " leaves, and a sum has at most ", kMost));
  }
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const std::size_t length = leaves[i].name.size();
    if (length == 0 || length > kLongestName) {
      return absl::InvalidArgumentError(
          absl::StrCat("leaf ", i, ": a name of ", length, " bytes, not 1 to ",
                       kLongestName));
    }
    if (i > 0 && leaves[i] <= leaves[i - 1]) {
      return absl::InvalidArgumentError(absl::StrCat(
          "leaf ", i, ": names are sorted, each once, and this one does not ",
          "come after the one before it"));
    }
  }
  LeafSet set;
  set.leaves_ = std::move(leaves);
  return set;
}

bool LeafSet::Contains(const ClientId& leaf) const {
  return std::ranges::binary_search(leaves_, leaf);
}

Digest LeafSet::Name() const {
  Sha256Stream stream;
  for (const ClientId& leaf : leaves_) {
    const auto length = static_cast<std::uint32_t>(leaf.name.size());
    std::array<std::byte, 4> bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::byte>(length >> (8 * i));
    }
    stream.Update(bytes);
    stream.Update(std::as_bytes(std::span(leaf.name)));
  }
  return stream.Finish();
}

void LeafSet::Add(const LeafSet& other) {
  std::vector<ClientId> all;
  all.reserve(size() + other.size());
  std::ranges::merge(leaves_, other.leaves_, std::back_inserter(all));
  TRIBUTARY_INVARIANT(
      std::ranges::distance(all.begin(), std::ranges::adjacent_find(all)), ==,
      std::ranges::ssize(all));
  leaves_ = std::move(all);
}

void LeafSet::Remove(const LeafSet& others) {
  std::vector<ClientId> rest;
  std::ranges::set_difference(leaves_, others.leaves_,
                              std::back_inserter(rest));
  leaves_ = std::move(rest);
}

}  // namespace tributary::round
