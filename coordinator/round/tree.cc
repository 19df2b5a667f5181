// SPDX-License-Identifier: Apache-2.0
// Aggregators in a round: as how many clients they count in the draw, and which
// of the leaves in their sums count.
#include <algorithm>
#include <utility>

#include "coordinator/round/pace.h"
#include "coordinator/round/synchronous_engine.h"

namespace tributary::round {
namespace {

// This round's and the next one's, and some to spare: more would only hold
// connections open for nothing.
std::size_t AggregatorsLimit(const TreeOptions& tree) {
  constexpr std::size_t kSpare = 8;
  return 2 * static_cast<std::size_t>(tree.aggregators) + kSpare;
}

}  // namespace

void SynchronousEngine::AggregatorChecksIn(const ClientId& client,
                                           std::uint64_t epoch) {
  auto* collecting = InPhase<Collecting>();
  if (collecting != nullptr && collecting->ledger && epoch > 0 &&
      collecting->cohort.contains(client)) {
    collecting->ledger->Fence(client, epoch);
  }
  if (OfferAgain(client, Role::kAggregator)) return;
  if (state_.aggregators.contains(client)) return;
  if (!options_.tree || state_.quarantined.contains(client) ||
      InPhase<Finishing>() != nullptr ||
      state_.aggregators.size() >= AggregatorsLimit(*options_.tree)) {
    Emit(PaceWindow(key_, client, state_.now, Horizon()));
    return;
  }
  state_.waiting.erase(client);
  state_.aggregators.insert(client);
  NoteQuorum();
  OpenIfReady();
}

std::int64_t SynchronousEngine::AskedThrough(std::size_t aggregators) const {
  if (!options_.tree) return 0;
  return static_cast<std::int64_t>(aggregators) * options_.AskedThroughEach();
}

// Clients that wait, at this node or at those aggregators that would be asked.
std::int64_t SynchronousEngine::WaitingLeaves() const {
  const auto trainers = std::ssize(state_.waiting);
  if (!options_.tree) return trainers;
  return trainers + AskedThrough(std::min(
                        state_.aggregators.size(),
                        static_cast<std::size_t>(options_.tree->aggregators)));
}

std::vector<ClientId> SynchronousEngine::DrawAggregators() const {
  if (!options_.tree) return {};
  return DrawUniformly(state_.aggregators, "aggregators",
                       static_cast<std::size_t>(options_.tree->aggregators));
}

std::optional<LeafLedger> SynchronousEngine::NewLedger() const {
  if (!options_.tree) return std::nullopt;
  return LeafLedger();
}

int SynchronousEngine::Counted(const Collecting& collecting) const {
  return collecting.ledger ? static_cast<int>(collecting.ledger->size())
                           : collecting.accepted;
}

bool SynchronousEngine::IsOfEpochOver(const Claim& claim) const {
  const auto* collecting = InPhase<Collecting>();
  return collecting != nullptr && collecting->ledger &&
         claim.contribution.subtree &&
         collecting->ledger->IsOver(claim.client,
                                    claim.contribution.subtree->epoch);
}

bool SynchronousEngine::CountsThroughAnother(const ClientId& client) const {
  const auto* collecting = InPhase<Collecting>();
  return collecting != nullptr && collecting->ledger &&
         collecting->ledger->Through(client);
}

Refusal SynchronousEngine::FaultOfSum(const Claim& claim) const {
  const auto& [client, token, contribution, defect, leaves] = claim;
  const auto& subtree = contribution.subtree;
  if (!subtree || subtree->weight != contribution.weight) {
    return Refusal::kBadMessage;
  }
  if (subtree->leaves < 1 || subtree->leaves > LeafSet::kMost) {
    return Refusal::kBadWeight;
  }
  const std::uint64_t most =
      options_.packed ? 1 : std::uint64_t{options_.max_weight};
  if (subtree->weight < subtree->leaves ||
      subtree->weight > subtree->leaves * most) {
    return Refusal::kBadWeight;
  }
  // Others than were announced.
  if (leaves != nullptr &&
      (leaves->size() != subtree->leaves || leaves->Name() != subtree->names)) {
    return Refusal::kBadMessage;
  }
  return Refusal::kNone;
}

// False once anything else was answered. A sum with leaves that count through
// others may come again without them: its task stands.
bool SynchronousEngine::CountLeaves(const Claim& claim,
                                    Participant& participant) {
  auto& ledger = InPhase<Collecting>()->ledger;
  if (!ledger) return true;
  const SumVerdict verdict =
      participant.role == Role::kAggregator
          ? ledger->Count(claim.client, claim.contribution.subtree->epoch,
                          *claim.leaves)
          : ledger->CountByItself(claim.client);
  if (std::holds_alternative<SumCounts>(verdict)) return true;
  if (const auto* overlap = std::get_if<LeavesOverlap>(&verdict)) {
    EmitOverlap(claim.client, claim.token, overlap->leaves);
    return false;
  }
  // More than a sum holds: enough are in it.
  EmitRefusal(claim.client, claim.token, Refusal::kTooLate);
  Drop(claim.client, participant, Participation::kRefused, Refusal::kTooLate);
  CloseIfSettled();
  return false;
}

}  // namespace tributary::round
