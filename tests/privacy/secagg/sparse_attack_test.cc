// SPDX-License-Identifier: Apache-2.0
// Row 3 of docs/secagg.md's table on sparse graphs, where each client hears of
// a few others only: a coordinator tells two sets of survivors, who is told
// which chosen as well as it can.
#include <algorithm>
#include <array>
#include <vector>

#include "privacy/crypto/random.h"
#include "privacy/secagg/graph.h"
#include "tests/privacy/secagg/cohort.h"

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

constexpr std::uint32_t kClients = 100;

Terms Sparse(Adversary adversary) {
  Terms terms = SomeTerms(kClients, 1);
  terms.dropped_per_mille = 50;
  terms.adversary = adversary;
  return terms;
}

// Shares of one client's two secrets that the coordinator has.
struct Loot {
  std::uint32_t self_mask = 0;
  std::uint32_t mask_key = 0;
};

// A session up to the inputs, and some clients that sign whatever the
// coordinator wants and give it all the shares they hold.
class SplitView {
 public:
  SplitView(Adversary adversary, std::uint32_t corrupt, std::uint64_t seed)
      : cohort_(Sparse(adversary), kClients),
        random_(KeyFromSeed(seed), "split"),
        is_corrupt_(kClients),
        told_(kClients) {
    cohort_.RunToInputs();
    const Graph graph(cohort_.server->graph(), kClients,
                      cohort_.server->RosterFor(0).root);
    for (Index i = 0; i < kClients; ++i) {
      REQUIRE(cohort_[i].index == i);
      holders_.push_back(graph.Holders(i, cohort_[i].choice));
    }
    for (std::uint32_t i = 0; i < corrupt;) {
      const auto client = Draw(kClients);
      if (client == kTarget || is_corrupt_[client]) continue;
      is_corrupt_[client] = true;
      ++i;
    }
  }

  const GraphParameters& graph() const { return cohort_.server->graph(); }
  std::uint32_t CorruptHolders() const {
    return static_cast<std::uint32_t>(std::ranges::count_if(
        holders_[kTarget], [&](Index holder) { return is_corrupt_[holder]; }));
  }

  // Half of the clients, whichever, are told that the target is gone.
  void Halve() {
    for (Index i = 0; i < kClients / 2;) {
      const auto client = Draw(kClients);
      if (client == kTarget || told_[client] == kGone) continue;
      told_[client] = kGone;
      ++i;
    }
  }
  // The best of many: begins with the neighbourhood of one of the target's
  // holders, which on a ring is an arc to one side of the target, and of
  // halves.
  void Choose() {
    std::vector<std::vector<int>> starts;
    for (const Index middle : holders_[kTarget]) {
      auto& start = starts.emplace_back(kClients, kThere);
      start[middle] = kGone;
      for (const Index near : holders_[middle]) {
        if (near != kTarget) start[near] = kGone;
      }
      told_.assign(kClients, kThere);
      Halve();
      starts.push_back(told_);
    }
    std::vector<int> best;
    std::uint32_t most = 0;
    for (auto& start : starts) {
      told_ = std::move(start);
      Climb();
      if (Worth() <= most) continue;
      most = Worth();
      best = told_;
    }
    told_ = best;
  }

  // Tells everybody, and asks everybody for shares with all the agreements that
  // can be shown to them. What there is then of each client.
  std::vector<Loot> Mount() {
    std::vector<std::string> signatures(kClients);
    for (Index i = 0; i < kClients; ++i) {
      if (is_corrupt_[i]) continue;
      const auto agreement =
          cohort_[i].client->Receive(Survivors{SetTold(told_[i])});
      REQUIRE(ReasonOf(agreement) == "");
      signatures[i] = agreement->signature;
    }
    std::vector<Loot> loot(kClients);
    for (Index i = 0; i < kClients; ++i) {
      if (is_corrupt_[i]) continue;
      std::vector<SignedAgreement> shown;
      for (const Index holder : holders_[i]) {
        if (is_corrupt_[holder]) {
          shown.push_back({holder, SignAs(holder, told_[i])});
        } else if (IsOf(holder, told_[i])) {
          shown.push_back({holder, signatures[holder]});
        }
      }
      const auto answer = cohort_[i].client->Receive(shown);
      CHECK(answer.ok() == (shown.size() >= graph().threshold));
      if (!answer.ok()) continue;
      for (const RevealedShare& share : answer->shares) {
        const bool is_gone = told_[i] == kGone && share.owner == kTarget;
        ++(is_gone ? loot[share.owner].mask_key : loot[share.owner].self_mask);
      }
    }
    for (Index owner = 0; owner < kClients; ++owner) {
      for (const Index holder : holders_[owner]) {
        if (!is_corrupt_[holder]) continue;
        ++loot[owner].self_mask;
        ++loot[owner].mask_key;
      }
    }
    return loot;
  }

  static constexpr Index kTarget = 42;

 private:
  // Changes who is told what, one client after the other, as long as more of
  // the target's holders would answer, or more are nearer to it.
  void Climb() {
    for (bool is_better = true; is_better;) {
      is_better = false;
      for (Index client = 0; client < kClients; ++client) {
        if (client == kTarget) continue;
        const auto before = Worth();
        told_[client] ^= kGone;
        if (Worth() > before) {
          is_better = true;
        } else {
          told_[client] ^= kGone;
        }
      }
    }
  }

  // Of told_: everybody survived, or everybody but the target.
  static constexpr int kThere = 0;
  static constexpr int kGone = 1;

  Index Draw(std::uint32_t below) {
    return static_cast<Index>(random_.Below(below));
  }
  Members SetTold(int told) const {
    Members set(kClients);
    for (Index i = 0; i < kClients; ++i) {
      if (told == kThere || i != kTarget) set.Insert(i);
    }
    return set;
  }
  std::string SignAs(Index client, int told) const {
    return TestSigner::SignatureOf(
        cohort_.members[client].name,
        AgreedPart(cohort_.server->session(), SetTold(kThere), SetTold(told)));
  }
  // Its agreement can be shown to those that were told this.
  bool IsOf(Index client, int told) const {
    if (client == kTarget) return told == kThere;
    return is_corrupt_[client] || told_[client] == told;
  }
  // Holders of the target that would answer on each side count first.
  std::uint32_t Worth() const {
    std::array<std::uint32_t, 2> answers{};
    std::uint32_t support = 0;
    for (const Index holder : holders_[kTarget]) {
      if (is_corrupt_[holder]) {
        ++answers[kThere];
        ++answers[kGone];
        continue;
      }
      const auto agree = static_cast<std::uint32_t>(std::ranges::count_if(
          holders_[holder],
          [&](Index other) { return IsOf(other, told_[holder]); }));
      if (agree >= graph().threshold) ++answers[told_[holder]];
      support += std::min(agree, graph().threshold);
    }
    return 10'000 * (std::min(answers[kThere], graph().threshold) +
                     std::min(answers[kGone], graph().threshold)) +
           support;
  }

  Cohort cohort_;
  KeyedStream random_;
  std::vector<std::vector<Index>> holders_;
  std::vector<char> is_corrupt_;
  std::vector<int> told_;
};

// 2t > k + corrupt holders: however good the split is.
TEST_CASE("3: a split view of a sparse graph gives nobody's two secrets") {
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    SplitView attack(Adversary::kSemiMalicious, 5, seed);
    REQUIRE(attack.graph().kind == GraphKind::kChosen);
    const std::uint32_t threshold = attack.graph().threshold;
    REQUIRE(2 * threshold > attack.graph().degree + attack.CorruptHolders());
    attack.Choose();
    const auto loot = attack.Mount();
    for (const Loot& one : loot) {
      CHECK((one.self_mask < threshold || one.mask_key < threshold));
    }
    // It was a good one: more answer than the corrupt, and on both sides.
    const Loot& target = loot[SplitView::kTarget];
    INFO(target.self_mask << " and " << target.mask_key << " of " << threshold);
    CHECK(target.self_mask + target.mask_key > threshold);
  }
}

// The control: where 2t is not over k, the same coordinator has both secrets.
// It is outside the mode, which trusts it to follow the protocol.
TEST_CASE("3: a split view succeeds where a coordinator is trusted not to") {
  for (const std::uint64_t seed : {5, 6}) {
    SplitView attack(Adversary::kSemiHonest, 5, seed);
    REQUIRE(attack.graph().kind == GraphKind::kHarary);
    const std::uint32_t threshold = attack.graph().threshold;
    REQUIRE(2 * threshold <= attack.graph().degree + attack.CorruptHolders());
    attack.Choose();
    const Loot target = attack.Mount()[SplitView::kTarget];
    CHECK(target.self_mask >= threshold);
    CHECK(target.mask_key >= threshold);
  }
}

// Each holder of 16 answers if 11 of its own were told the same: 8 % do, so
// that 11 of 16 do for one of 100 owners is a chance of 1e-6 at most.
TEST_CASE("3: half of a sparse graph told otherwise, and no secret is out") {
  SplitView attack(Adversary::kSemiMalicious, 0, 7);
  REQUIRE(attack.graph() == GraphParameters{GraphKind::kChosen, 16, 11});
  attack.Halve();
  for (const Loot& one : attack.Mount()) {
    CHECK(one.self_mask < 11);
    CHECK(one.mask_key < 11);
  }
}

}  // namespace
}  // namespace tributary::secagg
