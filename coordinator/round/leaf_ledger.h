// SPDX-License-Identifier: Apache-2.0
// Whose updates are in the sum of one attempt at a round, and through whom they
// came. A leaf counts once or not at all: a sum cannot be taken apart again, so
// one with a leaf that counts already is not taken, and its aggregator is told
// which to take out. docs/hierarchy.md.
//
// A client that came by itself is the only leaf of a sum of its own, in epoch
// 0.
//
// A value; pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "coordinator/round/leaf_set.h"
#include "coordinator/round/types.h"

namespace tributary::round {

// The sum counts now.
struct SumCounts {
  friend bool operator==(const SumCounts&, const SumCounts&) = default;
};
// This very sum counts already: acknowledge it again, add nothing.
struct SumCountsAlready {
  friend bool operator==(const SumCountsAlready&,
                         const SumCountsAlready&) = default;
};
// Another sum of the same aggregator counts.
struct OtherSumCounts {
  friend bool operator==(const OtherSumCounts&,
                         const OtherSumCounts&) = default;
};
// The aggregator has begun an epoch since: what it says from before is void.
struct EpochIsOver {
  std::uint64_t newest = 0;
  friend bool operator==(const EpochIsOver&, const EpochIsOver&) = default;
};
// These leaves, at least one, count through others.
struct LeavesOverlap {
  LeafSet leaves;
  friend bool operator==(const LeavesOverlap&, const LeavesOverlap&) = default;
};
// With these there would be more than 2^20 in the sum.
struct TooManyLeaves {
  std::size_t leaves = 0;  // that there would be
  friend bool operator==(const TooManyLeaves&, const TooManyLeaves&) = default;
};
using SumVerdict = std::variant<SumCounts, SumCountsAlready, OtherSumCounts,
                                EpochIsOver, LeavesOverlap, TooManyLeaves>;

class LeafLedger;
// For people: "that epoch of edge-2 is over, 5 has begun", "leaf-7 counts
// through edge-1; 2 more". `ledger` is the one that said so.
std::string Describe(const SumVerdict& verdict, const ClientId& aggregator,
                     const LeafLedger& ledger);

class LeafLedger {
 public:
  struct Sum {
    std::uint64_t epoch = 0;
    LeafSet leaves;
    friend bool operator==(const Sum&, const Sum&) = default;
  };

  // From now on sums of this aggregator from before `epoch` do not count. What
  // counts stays: it is in the sum, and its acknowledgement was promised to
  // last. Never goes back.
  void Fence(const ClientId& aggregator, std::uint64_t epoch);
  bool IsOver(const ClientId& aggregator, std::uint64_t epoch) const;

  // Counts a sum that is there and verified, or says why not; then nothing has
  // changed. It has a leaf at least.
  SumVerdict Count(const ClientId& aggregator, std::uint64_t epoch,
                   LeafSet leaves);
  SumVerdict CountByItself(const ClientId& client);

  // The aggregator, or the client itself; none: it does not count.
  std::optional<ClientId> Through(const ClientId& leaf) const;
  const std::map<ClientId, Sum>& sums() const { return sums_; }
  // The newest epoch of each aggregator that was fenced.
  const std::map<ClientId, std::uint64_t>& epochs() const { return epochs_; }
  std::size_t size() const { return through_.size(); }  // leaves that count
  LeafSet Leaves() const;

  friend bool operator==(const LeafLedger&, const LeafLedger&) = default;

 private:
  std::map<ClientId, Sum> sums_;              // by aggregator
  std::map<ClientId, ClientId> through_;      // by leaf; of all sums
  std::map<ClientId, std::uint64_t> epochs_;  // fences
};

}  // namespace tributary::round
