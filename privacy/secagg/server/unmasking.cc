// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <utility>

#include "privacy/secagg/server/server.h"
#include "privacy/secagg/server/state.h"

namespace tributary::secagg {
namespace {

using Step = ServerStep;

}  // namespace

const Members& Server::sharers() const { return state_->sharers; }

RoutedShares Server::SharesFor(Index client) const {
  const State& state = *state_;
  state.Demand(Step::kMasking);
  RoutedShares routed{state.sharers, {}};
  for (const Index owner : state.participants.at(client).owners) {
    if (!state.sharers.Contains(owner)) continue;
    const Participant& from = state.participants[owner];
    const std::size_t at = PositionOf(from.holders, client);
    routed.shares.push_back({owner, from.sealed[at],
                             from.commitments[at].mask_key,
                             from.commitments[at].self_mask});
  }
  return routed;
}

Refusal Server::Check(Index client, const MaskedInput& input) const {
  const State& state = *state_;
  const Refusal turn =
      state.CheckTurn(Step::kMasking, client, state.sharers, state.survivors);
  if (turn != Refusal::kNone) return turn;
  const Participant& participant = state.participants[client];
  for (std::size_t i = 0; i < input.unreadable.size(); ++i) {
    const Index owner = input.unreadable[i];
    const bool ascends = i == 0 || input.unreadable[i - 1] < owner;
    if (!ascends || !state.sharers.Contains(owner) ||
        !std::ranges::binary_search(participant.owners, owner)) {
      return Refusal::kWrongOwners;
    }
  }
  return Refusal::kNone;
}

Refusal Server::Accept(Index client, const MaskedInput& input) {
  const Refusal refusal = Check(client, input);
  if (refusal != Refusal::kNone) return refusal;
  state_->participants[client].unreadable = input.unreadable;
  state_->survivors.Insert(client);
  return Refusal::kNone;
}

std::optional<Abandoned> Server::CloseMasking() {
  State& state = *state_;
  state.Demand(Step::kMasking);
  if (auto abandoned = state.CheckLeft(state.survivors, state.sharers)) {
    return abandoned;
  }
  for (Participant& participant : state.participants) {
    std::vector<SealedText>().swap(participant.sealed);
  }
  state.step = Step::kAgreeing;
  return std::nullopt;
}

Survivors Server::AgreeOn() const { return {state_->survivors}; }

Refusal Server::Accept(Index client, const Agreement& agreement) {
  State& state = *state_;
  const Refusal turn =
      state.CheckTurn(Step::kAgreeing, client, state.survivors, state.agreed);
  if (turn != Refusal::kNone) return turn;
  Participant& participant = state.participants[client];
  // Read anew: kept, the keys of all clients take more memory than their shares
  // do by then.
  const auto identity =
      state.authority.Identify(participant.advertisement.credential);
  if (!identity.ok() ||
      !(*identity)
           ->Verify(AgreedPart(state.session, state.sharers, state.survivors),
                    agreement.signature)
           .ok()) {
    return Refusal::kBadSignature;
  }
  participant.agreement = agreement.signature;
  state.agreed.Insert(client);
  return Refusal::kNone;
}

std::optional<Abandoned> Server::CloseAgreeing() {
  State& state = *state_;
  state.Demand(Step::kAgreeing);
  if (auto abandoned = state.CheckLeft(state.agreed, state.sharers)) {
    return abandoned;
  }
  state.answerers = state.Answerers();
  if (auto abandoned = state.CheckLeft(state.answerers, state.sharers)) {
    return abandoned;
  }
  state.step = Step::kUnmasking;
  return std::nullopt;
}

const Members& Server::answerers() const { return state_->answerers; }

std::vector<SignedAgreement> Server::AgreementsFor(Index client) const {
  const State& state = *state_;
  std::vector<SignedAgreement> agreements;
  for (const Index holder : state.participants.at(client).holders) {
    if (agreements.size() == state.threshold()) break;
    if (!state.agreed.Contains(holder)) continue;
    agreements.push_back({holder, state.participants[holder].agreement});
  }
  return agreements;
}

Refusal Server::Accept(Index client, const Unmasking& unmasking) {
  State& state = *state_;
  const Refusal turn = state.CheckTurn(Step::kUnmasking, client,
                                       state.answerers, state.answered);
  if (turn != Refusal::kNone) return turn;
  const Participant& holder = state.participants[client];
  std::vector<Index> owners;
  for (const Index owner : holder.owners) {
    if (state.sharers.Contains(owner) &&
        !std::ranges::binary_search(holder.unreadable, owner)) {
      owners.push_back(owner);
    }
  }
  if (!std::ranges::equal(owners, unmasking.shares, {}, {},
                          &RevealedShare::owner)) {
    return Refusal::kWrongOwners;
  }
  for (const RevealedShare& revealed : unmasking.shares) {
    const Participant& owner = state.participants[revealed.owner];
    const auto& committed =
        owner.commitments[PositionOf(owner.holders, client)];
    const bool is_survivor = state.survivors.Contains(revealed.owner);
    const ShareCommitment given = CommitToShare(
        is_survivor ? ShareOf::kSelfMask : ShareOf::kMaskKey,
        {state.session, state.terms.round, revealed.owner, client},
        revealed.share);
    if (given != (is_survivor ? committed.self_mask : committed.mask_key)) {
      return Refusal::kWrongShare;
    }
  }
  for (const RevealedShare& revealed : unmasking.shares) {
    auto& shares = state.participants[revealed.owner].revealed;
    if (shares.size() < state.threshold()) {
      shares.push_back({client, revealed.share.Copy()});
    }
  }
  state.answered.Insert(client);
  return Refusal::kNone;
}

Members Server::State::Answerers() const {
  Members found(agreed.clients());
  for (const Index client : agreed.List()) {
    if (agreed.CountOf(participants[client].holders) >= threshold()) {
      found.Insert(client);
    }
  }
  return found;
}

bool Server::IsComplete() const {
  const State& state = *state_;
  if (state.step == Step::kAgreeing) {
    return !state.Shortfall(state.agreed, state.sharers) &&
           !state.Shortfall(state.Answerers(), state.sharers);
  }
  if (state.step != Step::kUnmasking) return false;
  return std::ranges::all_of(state.sharers.List(), [&](Index owner) {
    return state.participants[owner].revealed.size() == state.threshold();
  });
}

std::optional<Secret> Server::State::Recover(Index client) {
  const Participant& participant = participants[client];
  const auto all_places = graph->Places(participant.holders);
  std::vector<std::uint32_t> places;
  std::vector<const Secret*> shares;
  for (const HeldBy& held : participant.revealed) {
    places.push_back(all_places[PositionOf(participant.holders, held.holder)]);
    shares.push_back(&held.share);
  }
  // Weights at the same places are the same, which they are for many clients
  // of a complete graph.
  if (graph->parameters().kind != GraphKind::kComplete) weights.clear();
  const auto at = weights.try_emplace(places, places).first;
  Secret secret = at->second.Recover(shares);
  const bool is_it =
      survivors.Contains(client)
          ? CommitToSelfMask(session, client, secret) == participant.self_mask
          : KeyPair::FromSecret(secret).public_key() ==
                participant.advertisement.mask_key;
  if (!is_it) return std::nullopt;
  return secret;
}

std::vector<Recovery::Neighbour> Server::State::MaskedWith(Index client) const {
  std::vector<Index> both;
  std::ranges::set_union(participants[client].holders,
                         participants[client].owners, std::back_inserter(both));
  std::vector<Recovery::Neighbour> neighbours;
  for (const Index other : both) {
    if (!survivors.Contains(other)) continue;
    neighbours.push_back({other, participants[other].advertisement.mask_key});
  }
  return neighbours;
}

std::variant<Recovery, Abandoned> Server::CloseUnmasking() {
  State& state = *state_;
  state.Demand(Step::kUnmasking);
  Recovery recovery(state.session, state.sharers, state.survivors);
  for (const Index client : state.sharers.List()) {
    const auto shares =
        static_cast<std::uint32_t>(state.participants[client].revealed.size());
    if (shares < state.threshold()) {
      return state.Abandon(
          {Reason::kTooFewHolders, shares, state.threshold(), {}});
    }
    auto secret = state.Recover(client);
    if (!secret.has_value()) {
      return state.Abandon(
          {Reason::kInconsistentSecret, shares, state.threshold(), {client}});
    }
    if (state.survivors.Contains(client)) {
      recovery.AddSurvivor(client, *std::move(secret));
    } else {
      recovery.AddDropped(client, *std::move(secret), state.MaskedWith(client));
    }
  }
  state.Finish();
  return recovery;
}

}  // namespace tributary::secagg
