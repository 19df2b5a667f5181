// SPDX-License-Identifier: Apache-2.0
#include "coordinator/round/leaf_ledger.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "aggregation/invariant.h"

namespace tributary::round {
namespace {

// Sorted names that are known to be so.
LeafSet SetOf(std::vector<ClientId> sorted) {
  return LeafSet::Make(std::move(sorted)).value();
}

struct Describer {
  const ClientId& aggregator;
  const LeafLedger& ledger;

  std::string operator()(const SumCounts&) const {
    return absl::StrCat(aggregator.name, "'s sum counts");
  }
  std::string operator()(const SumCountsAlready&) const {
    return absl::StrCat(aggregator.name, "'s sum counts already");
  }
  std::string operator()(const OtherSumCounts&) const {
    return absl::StrCat("another sum of ", aggregator.name,
                        " counts in this attempt");
  }
  std::string operator()(const EpochIsOver& over) const {
    return absl::StrCat("that epoch of ", aggregator.name, " is over, ",
                        over.newest, " has begun");
  }
  std::string operator()(const LeavesOverlap& overlap) const {
    const ClientId& first = overlap.leaves.leaves().front();
    const std::string text = absl::StrCat(first.name, " counts through ",
                                          ledger.Through(first)->name);
    const std::size_t more = overlap.leaves.size() - 1;
    return more == 0 ? text : absl::StrCat(text, "; ", more, " more");
  }
  std::string operator()(const TooManyLeaves& many) const {
    return absl::StrCat("with it the sum would have ", many.leaves,
                        " leaves, and it holds ", LeafSet::kMost);
  }
};

}  // namespace

std::string Describe(const SumVerdict& verdict, const ClientId& aggregator,
                     const LeafLedger& ledger) {
  return std::visit(Describer{aggregator, ledger}, verdict);
}

void LeafLedger::Fence(const ClientId& aggregator, std::uint64_t epoch) {
  std::uint64_t& newest = epochs_[aggregator];
  newest = std::max(newest, epoch);
}

bool LeafLedger::IsOver(const ClientId& aggregator,
                        std::uint64_t epoch) const {
  const auto fence = epochs_.find(aggregator);
  return fence != epochs_.end() && epoch < fence->second;
}

SumVerdict LeafLedger::Count(const ClientId& aggregator, std::uint64_t epoch,
                             LeafSet leaves) {
  TRIBUTARY_INVARIANT(leaves.size(), >, std::size_t{0});
  // First: whoever lost the answer to a sum that counts is told so, also when
  // it has begun an epoch since.
  if (const auto found = sums_.find(aggregator); found != sums_.end()) {
    const bool is_same =
        found->second.epoch == epoch && found->second.leaves == leaves;
    if (is_same) return SumCountsAlready{};
    return OtherSumCounts{};
  }
  if (IsOver(aggregator, epoch)) return EpochIsOver{epochs_.at(aggregator)};
  std::vector<ClientId> overlap;
  for (const ClientId& leaf : leaves.leaves()) {
    if (through_.contains(leaf)) overlap.push_back(leaf);
  }
  if (!overlap.empty()) return LeavesOverlap{SetOf(std::move(overlap))};
  if (size() + leaves.size() > LeafSet::kMost) {
    return TooManyLeaves{size() + leaves.size()};
  }
  for (const ClientId& leaf : leaves.leaves()) {
    through_.emplace(leaf, aggregator);
  }
  sums_.emplace(aggregator, Sum{epoch, std::move(leaves)});
  return SumCounts{};
}

SumVerdict LeafLedger::CountByItself(const ClientId& client) {
  return Count(client, 0, SetOf({client}));
}

std::optional<ClientId> LeafLedger::Through(const ClientId& leaf) const {
  const auto found = through_.find(leaf);
  if (found == through_.end()) return std::nullopt;
  return found->second;
}

LeafSet LeafLedger::Leaves() const {
  std::vector<ClientId> leaves;
  leaves.reserve(through_.size());
  for (const auto& [leaf, aggregator] : through_) leaves.push_back(leaf);
  return SetOf(std::move(leaves));
}

}  // namespace tributary::round
