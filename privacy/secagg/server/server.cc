// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/server/server.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "privacy/secagg/server/state.h"

namespace tributary::secagg {
namespace {

using Step = ServerStep;

// What an honest client has in common with every key; a key of low order has
// nothing in common with any.
bool IsSound(const PublicKey& key) {
  static const auto& probe = *new KeyPair(KeyPair::Generate());
  return probe.Agree(PeerKey(key)).ok();
}

}  // namespace

std::uint32_t Server::State::HoldersLeft(Index owner,
                                         const Members& left) const {
  std::uint32_t count = 0;
  for (const Index holder : participants[owner].holders) {
    count +=
        left.Contains(holder) && !std::ranges::binary_search(
                                     participants[holder].unreadable, owner)
            ? 1
            : 0;
  }
  return count;
}

std::optional<Abandoned> Server::State::Shortfall(const Members& left,
                                                  const Members& owners) const {
  if (left.count() < terms.min_survivors) {
    return Abandoned{
        Reason::kTooFewClients, left.count(), terms.min_survivors, {}};
  }
  for (const Index owner : owners.List()) {
    const std::uint32_t count = HoldersLeft(owner, left);
    if (count >= threshold()) continue;
    const bool made_garbage =
        left.CountOf(participants[owner].holders) >= threshold();
    return Abandoned{
        Reason::kTooFewHolders, count, threshold(),
        made_garbage ? std::vector<Index>{owner} : std::vector<Index>{}};
  }
  return std::nullopt;
}

std::optional<Abandoned> Server::State::CheckLeft(const Members& left,
                                                  const Members& owners) {
  std::optional<Abandoned> abandoned = Shortfall(left, owners);
  if (abandoned) Finish();
  return abandoned;
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;

absl::StatusOr<Server> Server::Make(const Terms& terms,
                                    const Authority& authority) {
  if (auto status = terms.Validate(); !status.ok()) return status;
  return Server(std::make_unique<State>(terms, authority));
}

std::uint32_t Server::clients() const {
  return static_cast<std::uint32_t>(state_->participants.size());
}
const std::string& Server::NameOf(Index client) const {
  return state_->participants.at(client).name;
}
std::optional<Index> Server::IndexOf(const std::string& name) const {
  const auto& all = state_->participants;
  const auto at = std::ranges::lower_bound(all, name, {}, &Participant::name);
  if (at == all.end() || at->name != name) return std::nullopt;
  return static_cast<Index>(at - all.begin());
}
const GraphParameters& Server::graph() const {
  return state_->graph->parameters();
}
const Digest& Server::session() const { return state_->session; }

Refusal Server::State::Take(const Advertisement& advertisement,
                            std::optional<std::string_view> sender) {
  if (step != Step::kAdvertising) return Refusal::kWrongStep;
  if (advertised.size() >= terms.max_cohort) return Refusal::kCohortFull;
  auto identity = authority.Identify(advertisement.credential);
  if (!identity.ok()) return Refusal::kBadCredential;
  const std::string name = (*identity)->name();
  if (sender.has_value() && name != *sender) return Refusal::kWrongName;
  if (!(*identity)
           ->Verify(SignedPart(terms, advertisement), advertisement.signature)
           .ok()) {
    return Refusal::kBadSignature;
  }
  if (advertised.contains(name)) return Refusal::kNameTaken;
  if (advertisement.mask_key == advertisement.channel_key ||
      keys.contains(advertisement.mask_key) ||
      keys.contains(advertisement.channel_key)) {
    return Refusal::kKeyTaken;
  }
  if (!IsSound(advertisement.mask_key) || !IsSound(advertisement.channel_key)) {
    return Refusal::kBadKey;
  }
  keys.insert(advertisement.mask_key);
  keys.insert(advertisement.channel_key);
  Participant& participant = advertised[name];
  participant.name = name;
  participant.advertisement = advertisement;
  return Refusal::kNone;
}

Refusal Server::Accept(const Advertisement& advertisement) {
  return state_->Take(advertisement, std::nullopt);
}
Refusal Server::Accept(std::string_view sender,
                       const Advertisement& advertisement) {
  return state_->Take(advertisement, sender);
}

std::optional<Abandoned> Server::CloseAdvertising() {
  State& state = *state_;
  state.Demand(Step::kAdvertising);
  const auto count = static_cast<std::uint32_t>(state.advertised.size());
  if (count < state.terms.min_cohort) {
    return state.Abandon(
        {Reason::kTooFewClients, count, state.terms.min_cohort, {}});
  }
  const auto parameters = ChooseGraph(state.terms.RiskOf(count));
  if (!parameters.ok()) {
    return state.Abandon({Reason::kNoGraph, count, count, {}});
  }
  std::vector<Digest> leaves;
  for (auto& [name, participant] : state.advertised) {
    leaves.push_back(LeafOf(participant.advertisement));
    state.participants.push_back(std::move(participant));
  }
  state.advertised.clear();
  state.keys.clear();
  state.tree.emplace(std::move(leaves));
  state.graph.emplace(*parameters, count, state.tree->root());
  state.session = SessionId(state.terms, state.tree->root(), count);
  state.opened = state.sharers = state.survivors = state.agreed =
      state.answerers = state.answered = Members(count);
  state.step = Step::kOpening;
  return std::nullopt;
}

Roster Server::RosterFor(Index client) const {
  return {state_->tree->root(), clients(), client,
          state_->tree->ProofOf(client)};
}

Refusal Server::Accept(Index client, const Opening& opening) {
  State& state = *state_;
  if (state.step != Step::kOpening || client >= clients()) {
    return Refusal::kWrongStep;
  }
  if (state.opened.Contains(client)) return Refusal::kAgain;
  Participant& participant = state.participants[client];
  if (CommitToChoice(opening.choice, participant.advertisement.mask_key) !=
      participant.advertisement.choice) {
    return Refusal::kWrongChoice;
  }
  participant.choice = opening.choice;
  participant.holders = state.graph->Holders(client, opening.choice);
  state.opened.Insert(client);
  return Refusal::kNone;
}

std::optional<Abandoned> Server::CloseOpening() {
  State& state = *state_;
  state.Demand(Step::kOpening);
  if (auto abandoned = state.CheckLeft(state.opened, state.opened)) {
    return abandoned;
  }
  for (const Index owner : state.opened.List()) {
    for (const Index holder : state.participants[owner].holders) {
      state.participants[holder].owners.push_back(owner);
    }
  }
  for (Participant& participant : state.participants) {
    participant.owners.shrink_to_fit();
  }
  state.step = Step::kSharing;
  return std::nullopt;
}

std::vector<Neighbour> Server::NeighboursOf(Index client) const {
  const State& state = *state_;
  const Participant& participant = state.participants.at(client);
  std::vector<Index> both;
  std::ranges::set_union(participant.holders, participant.owners,
                         std::back_inserter(both));
  std::vector<Neighbour> neighbours;
  neighbours.reserve(both.size());
  for (const Index other : both) {
    const Participant& peer = state.participants[other];
    neighbours.push_back(
        {other, peer.advertisement, state.tree->ProofOf(other), peer.choice});
  }
  return neighbours;
}

Refusal Server::Accept(Index client, const KeyShares& shares) {
  State& state = *state_;
  const Refusal turn =
      state.CheckTurn(Step::kSharing, client, state.opened, state.sharers);
  if (turn != Refusal::kNone) return turn;
  Participant& participant = state.participants[client];
  if (!std::ranges::equal(participant.holders, shares.shares, {}, {},
                          &SealedShares::peer)) {
    return Refusal::kWrongHolders;
  }
  participant.self_mask = shares.self_mask;
  participant.sealed.reserve(shares.shares.size());
  participant.commitments.reserve(shares.shares.size());
  for (const SealedShares& sealed : shares.shares) {
    participant.sealed.push_back(sealed.sealed);
    participant.commitments.push_back({sealed.mask_key, sealed.self_mask});
  }
  state.sharers.Insert(client);
  return Refusal::kNone;
}

std::optional<Abandoned> Server::CloseSharing() {
  State& state = *state_;
  state.Demand(Step::kSharing);
  if (auto abandoned = state.CheckLeft(state.sharers, state.sharers)) {
    return abandoned;
  }
  state.step = Step::kMasking;
  return std::nullopt;
}

}  // namespace tributary::secagg
