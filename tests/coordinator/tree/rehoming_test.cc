// SPDX-License-Identifier: Apache-2.0
// One round of a tree in which aggregators die, come back with their disks or
// without, answers are lost, and leaves go over to others: each leaf is in the
// root's sum once or not at all, and the ledger says through whom.
#include <rapidcheck.h>

#include <array>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "coordinator/round/leaf_ledger.h"
#include "coordinator/tree/epoch_fence.h"
#include "privacy/crypto/random.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using round::ClientId;
using round::LeafLedger;
using round::LeafSet;

constexpr std::size_t kLeaves = 12;
constexpr std::size_t kEdges = 3;
constexpr std::size_t kRoot = kEdges;  // as a home

// A leaf's update is 1 in four bits of its own: a sum of up to 15 of each shows
// how often each is in it.
std::uint64_t UpdateOf(std::size_t leaf) {
  return std::uint64_t{1} << (4 * leaf);
}
ClientId Leaf(std::size_t leaf) {
  return {std::string("leaf-") + static_cast<char>('a' + leaf)};
}
ClientId Edge(std::size_t edge) { return {"edge-" + std::to_string(edge)}; }

// What an aggregator has on its disk.
struct Disk {
  std::uint64_t session = 0;
  std::uint64_t epoch = 0;
  std::set<std::size_t> leaves;  // acknowledged, in its sum
  bool is_closed = false;        // its own round is
};

struct EdgeNode {
  Disk disk;
  std::uint64_t session = 0;  // of the stream to the root; 0: none
  bool is_done = false;       // it knows that its sum counts, or never can
  bool is_whole = true;       // its disk was never lost or put back
};

class Play {
 public:
  explicit Play(std::uint64_t seed) : random_(KeyFromSeed(seed)) {}

  void Move() {
    const std::size_t leaf = random_.Below(kLeaves);
    const std::size_t edge = random_.Below(kEdges);
    switch (random_.Below(9)) {
      case 0:
      case 1:
      case 2:
        Send(leaf);
        break;
      case 3:  // only who has no answer goes over to another
        if (!is_acknowledged_[leaf]) home_[leaf] = random_.Below(kEdges + 1);
        break;
      case 4:
        edges_[edge].session = 0;  // killed
        break;
      case 5:
        if (random_.Below(4) == 0) LoseDisk(edge);
        break;
      case 6:
        Join(edge, random_.Below(4) == 0);
        break;
      case 7:
        if (random_.Below(3) == 0) HandUp(edge, random_.Below(4) == 0);
        break;
      case 8:
        if (random_.Below(4) == 0) CopyDisk(edge);
        break;
    }
    CheckCounts();
  }

  // Whatever happened, those that come back hand up what they hold.
  void End() {
    for (std::size_t edge = 0; edge < kEdges; ++edge) {
      Join(edge, false);
      // Leaves that overlap are taken out, and the rest is handed up again.
      HandUp(edge, false);
      HandUp(edge, false);
      RC_ASSERT(edges_[edge].is_done || edges_[edge].disk.leaves.empty());
      CheckCounts();
      if (!edges_[edge].is_whole) continue;
      // No acknowledged update is lost while its disk survives.
      for (const std::size_t leaf : acknowledged_by_[edge]) {
        RC_ASSERT(CountOf(leaf) == 1);
      }
    }
  }

 private:
  void Send(std::size_t leaf) {
    if (is_acknowledged_[leaf]) return;
    bool is_taken = false;
    if (home_[leaf] == kRoot) {
      const auto verdict = ledger_.CountByItself(Leaf(leaf));
      is_taken = std::holds_alternative<round::SumCounts>(verdict);
      if (is_taken) Add(Leaf(leaf), UpdateOf(leaf), {leaf});
    } else {
      EdgeNode& edge = edges_[home_[leaf]];
      if (edge.session == 0) return;
      is_taken = !edge.disk.is_closed || edge.disk.leaves.contains(leaf);
      if (is_taken) edge.disk.leaves.insert(leaf);
      if (is_taken) acknowledged_by_[home_[leaf]].insert(leaf);
    }
    // The answer may be lost on its way.
    if (is_taken && random_.Below(3) != 0) is_acknowledged_[leaf] = true;
  }

  void Join(std::size_t edge, bool is_welcome_lost) {
    EdgeNode& node = edges_[edge];
    const AggregatorSession welcome = fences_[edge].Join(node.disk.session);
    node.session = 0;
    if (is_welcome_lost) return;
    if (welcome.IsFresh()) {
      if (!node.disk.leaves.empty()) node.is_whole = false;
      node.disk = {};
      node.disk.epoch = welcome.epoch;
      node.is_done = false;
    }
    node.disk.session = node.session = welcome.session;
    RC_ASSERT(node.disk.epoch == welcome.epoch);
  }

  void HandUp(std::size_t edge, bool is_answer_lost) {
    EdgeNode& node = edges_[edge];
    node.disk.is_closed = true;
    if (node.disk.leaves.empty()) return;
    if (!fences_[edge].Use(node.session)) return;
    ledger_.Fence(Edge(edge), fences_[edge].epoch());
    std::vector<ClientId> names;
    std::uint64_t sum = 0;
    for (const std::size_t leaf : node.disk.leaves) {
      names.push_back(Leaf(leaf));
      sum += UpdateOf(leaf);
    }
    const LeafLedger before = ledger_;
    const auto verdict = ledger_.Count(Edge(edge), node.disk.epoch,
                                       LeafSet::Make(std::move(names)).value());
    if (std::holds_alternative<round::SumCounts>(verdict)) {
      Add(Edge(edge), sum, node.disk.leaves);
    } else {
      RC_ASSERT(ledger_ == before);
    }
    if (is_answer_lost) return;
    if (const auto* overlap = std::get_if<round::LeavesOverlap>(&verdict)) {
      std::erase_if(node.disk.leaves, [&](std::size_t leaf) {
        return overlap->leaves.Contains(Leaf(leaf));
      });
    } else {
      node.is_done = true;
    }
  }

  void LoseDisk(std::size_t edge) {
    edges_[edge] = {};
    edges_[edge].is_whole = false;
  }

  // An old copy is put back, now or later.
  void CopyDisk(std::size_t edge) {
    EdgeNode& node = edges_[edge];
    if (!copies_[edge]) {
      copies_[edge] = node.disk;
      return;
    }
    node = {};
    node.disk = *copies_[edge];
    node.is_whole = false;
    copies_[edge].reset();
  }

  void Add(const ClientId& through, std::uint64_t sum,
           const std::set<std::size_t>& leaves) {
    sum_ += sum;
    for (const std::size_t leaf : leaves) through_[leaf] = through;
  }

  std::uint64_t CountOf(std::size_t leaf) const {
    return sum_ >> (4 * leaf) & 15;
  }

  void CheckCounts() const {
    std::size_t counted = 0;
    for (std::size_t leaf = 0; leaf < kLeaves; ++leaf) {
      const auto through = ledger_.Through(Leaf(leaf));
      RC_ASSERT(CountOf(leaf) == (through ? 1u : 0u));
      if (through) RC_ASSERT(*through == through_.at(leaf));
      counted += through ? 1 : 0;
    }
    RC_ASSERT(ledger_.size() == counted);
    RC_ASSERT(ledger_.Leaves().size() == counted);
  }

  KeyedStream random_;
  std::array<std::size_t, kLeaves> home_{};
  std::array<bool, kLeaves> is_acknowledged_{};
  std::array<EdgeNode, kEdges> edges_;
  std::array<std::optional<Disk>, kEdges> copies_;
  std::array<std::set<std::size_t>, kEdges> acknowledged_by_;
  // The root's.
  std::array<EpochFence, kEdges> fences_;
  LeafLedger ledger_;
  std::uint64_t sum_ = 0;
  std::map<std::size_t, ClientId> through_;  // the oracle's
};

TEST_CASE("each leaf counts once or not at all, whoever dies and returns") {
  CHECK(rc::check([](std::uint64_t seed) {
    Play play(seed);
    for (int move = 0; move < 150; ++move) play.Move();
    play.End();
  }));
}

}  // namespace
}  // namespace tributary::coordinator
