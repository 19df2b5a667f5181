// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/server/server.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "privacy/secagg/graph.h"
#include "privacy/secagg/merkle_tree.h"
#include "privacy/secagg/shamir.h"

namespace tributary::secagg {
namespace {

enum class Step {
  kAdvertising,
  kOpening,
  kSharing,
  kMasking,
  kAgreeing,
  kUnmasking,
  kOver,
};

struct HeldBy {
  Index holder = 0;
  Secret share;
};

struct Participant {
  std::string name;
  std::unique_ptr<Peer> identity;
  Advertisement advertisement;

  std::optional<Key> choice;
  std::vector<Index> holders;  // of its secrets, ascending
  std::vector<Index> owners;   // of secrets it holds, ascending

  Digest self_mask;
  // As `holders`, until the inputs are in; then nobody needs them.
  std::vector<SealedText> sealed;
  struct Commitments {
    ShareCommitment mask_key{};
    ShareCommitment self_mask{};
  };
  std::vector<Commitments> commitments;

  std::vector<Index> unreadable;
  std::string agreement;

  // As many as the threshold; later ones say nothing new.
  std::vector<HeldBy> revealed;
};

std::size_t PositionOf(const std::vector<Index>& sorted, Index client) {
  return static_cast<std::size_t>(std::ranges::lower_bound(sorted, client) -
                                  sorted.begin());
}

// What an honest client has in common with every key; a key of low order has
// nothing in common with any.
bool IsSound(const PublicKey& key) {
  static const auto& probe = *new KeyPair(KeyPair::Generate());
  return probe.Agree(PeerKey(key)).ok();
}

}  // namespace

struct Server::State {
  State(const Terms& own_terms, const Authority& pinned)
      : terms(own_terms), authority(pinned) {}

  void Demand(Step expected) const {
    if (step != expected) std::abort();
  }
  Abandoned Abandon(Abandoned reason) {
    Finish();
    return reason;
  }
  // Names stay: whom to blame is told by them.
  void Finish() {
    step = Step::kOver;
    for (Participant& participant : participants) {
      participant.sealed.clear();
      participant.revealed.clear();
    }
  }
  std::uint32_t threshold() const { return graph->parameters().threshold; }
  // Abandons if fewer than the terms demand are left, or of some client of
  // `owners` fewer than its threshold of holders.
  std::optional<Abandoned> CheckLeft(const Members& left,
                                     const Members& owners);
  std::uint32_t HoldersLeft(Index owner, const Members& left) const;
  bool IsTaken(const Advertisement& advertisement) const;
  // The shares of one client make the secret it committed to.
  std::optional<Secret> Recover(Index client);
  std::vector<Recovery::Neighbour> MaskedWith(Index client) const;

  const Terms terms;
  const Authority& authority;
  Step step = Step::kAdvertising;

  std::map<std::string, Participant> advertised;
  std::set<PublicKey> keys;

  std::vector<Participant> participants;
  std::optional<MerkleTree> tree;
  std::optional<Graph> graph;
  Digest session;
  Members opened;
  Members sharers;
  Members survivors;
  Members agreed;
  Members answerers;
  Members answered;
  std::map<std::vector<std::uint32_t>, ShareRecovery> weights;
};

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

std::optional<Abandoned> Server::State::CheckLeft(const Members& left,
                                                  const Members& owners) {
  const auto too_few = [&](Reason reason, std::uint32_t count,
                           std::uint32_t needed,
                           std::vector<Index> blamed = {}) {
    return Abandon({reason, count, needed, std::move(blamed)});
  };
  if (left.count() < terms.min_survivors) {
    return too_few(Reason::kTooFewClients, left.count(), terms.min_survivors);
  }
  for (const Index owner : owners.List()) {
    const std::uint32_t count = HoldersLeft(owner, left);
    if (count >= threshold()) continue;
    const bool made_garbage =
        left.CountOf(participants[owner].holders) >= threshold();
    return too_few(
        Reason::kTooFewHolders, count, threshold(),
        made_garbage ? std::vector<Index>{owner} : std::vector<Index>{});
  }
  return std::nullopt;
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

Refusal Server::Accept(const Advertisement& advertisement) {
  State& state = *state_;
  if (state.step != Step::kAdvertising) return Refusal::kWrongStep;
  if (state.advertised.size() >= state.terms.max_cohort) {
    return Refusal::kCohortFull;
  }
  auto identity = state.authority.Identify(advertisement.credential);
  if (!identity.ok()) return Refusal::kBadCredential;
  if (!(*identity)
           ->Verify(SignedPart(state.terms, advertisement),
                    advertisement.signature)
           .ok()) {
    return Refusal::kBadSignature;
  }
  const std::string name = (*identity)->name();
  if (state.advertised.contains(name)) return Refusal::kNameTaken;
  if (advertisement.mask_key == advertisement.channel_key ||
      state.keys.contains(advertisement.mask_key) ||
      state.keys.contains(advertisement.channel_key)) {
    return Refusal::kKeyTaken;
  }
  if (!IsSound(advertisement.mask_key) || !IsSound(advertisement.channel_key)) {
    return Refusal::kBadKey;
  }
  state.keys.insert(advertisement.mask_key);
  state.keys.insert(advertisement.channel_key);
  Participant& participant = state.advertised[name];
  participant.name = name;
  participant.identity = *std::move(identity);
  participant.advertisement = advertisement;
  return Refusal::kNone;
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
  if (state.step != Step::kSharing || !state.opened.Contains(client)) {
    return Refusal::kWrongStep;
  }
  if (state.sharers.Contains(client)) return Refusal::kAgain;
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

Refusal Server::Accept(Index client, const MaskedInput& input) {
  State& state = *state_;
  if (state.step != Step::kMasking || !state.sharers.Contains(client)) {
    return Refusal::kWrongStep;
  }
  if (state.survivors.Contains(client)) return Refusal::kAgain;
  Participant& participant = state.participants[client];
  for (std::size_t i = 0; i < input.unreadable.size(); ++i) {
    const Index owner = input.unreadable[i];
    const bool ascends = i == 0 || input.unreadable[i - 1] < owner;
    if (!ascends || !state.sharers.Contains(owner) ||
        !std::ranges::binary_search(participant.owners, owner)) {
      return Refusal::kWrongOwners;
    }
  }
  participant.unreadable = input.unreadable;
  state.survivors.Insert(client);
  return Refusal::kNone;
}

std::optional<Abandoned> Server::CloseMasking() {
  State& state = *state_;
  state.Demand(Step::kMasking);
  if (auto abandoned = state.CheckLeft(state.survivors, state.sharers)) {
    return abandoned;
  }
  for (Participant& participant : state.participants) {
    participant.sealed = {};
  }
  state.step = Step::kAgreeing;
  return std::nullopt;
}

Survivors Server::AgreeOn() const { return {state_->survivors}; }

Refusal Server::Accept(Index client, const Agreement& agreement) {
  State& state = *state_;
  if (state.step != Step::kAgreeing || !state.survivors.Contains(client)) {
    return Refusal::kWrongStep;
  }
  if (state.agreed.Contains(client)) return Refusal::kAgain;
  Participant& participant = state.participants[client];
  if (!participant.identity
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
  for (const Index client : state.agreed.List()) {
    if (state.agreed.CountOf(state.participants[client].holders) >=
        state.threshold()) {
      state.answerers.Insert(client);
    }
  }
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
  if (state.step != Step::kUnmasking || !state.answerers.Contains(client)) {
    return Refusal::kWrongStep;
  }
  if (state.answered.Contains(client)) return Refusal::kAgain;
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

bool Server::IsComplete() const {
  const State& state = *state_;
  if (state.step != Step::kUnmasking) return false;
  const auto sharers = state.sharers.List();
  return std::ranges::all_of(sharers, [&](Index client) {
    return state.participants[client].revealed.size() == state.threshold();
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
