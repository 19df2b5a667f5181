// SPDX-License-Identifier: Apache-2.0
// The leaves in a partial sum: names, sorted, each once. A value; pure.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/grid.h"
#include "coordinator/round/types.h"
#include "privacy/crypto/digest.h"

namespace tributary::round {

class LeafSet {
 public:
  // As many as a sum counts.
  static constexpr std::size_t kMost = std::size_t{1}
                                       << aggregation::kMaxContributionBits;

  LeafSet() = default;
  // InvalidArgument, with the position, if a name is empty, longer than 128
  // bytes, or not greater than the one before it; or if there are more than
  // 2^20.
  static absl::StatusOr<LeafSet> Make(std::vector<ClientId> leaves);

  std::span<const ClientId> leaves() const { return leaves_; }
  std::size_t size() const { return leaves_.size(); }
  bool Contains(const ClientId& leaf) const;
  // SHA-256 of all names, each after its length as 4 bytes, little-endian:
  // what an announcement says of a list that comes later.
  Digest Name() const;

  // Adds those of another set. Both have none in common: nobody is counted
  // twice.
  void Add(const LeafSet& other);
  // Takes some away.
  void Remove(const LeafSet& others);

  friend bool operator==(const LeafSet&, const LeafSet&) = default;

 private:
  std::vector<ClientId> leaves_;
};

}  // namespace tributary::round
