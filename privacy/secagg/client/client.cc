// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/client/client.h"

#include <algorithm>
#include <string>
#include <utility>

#include "privacy/crypto/random.h"
#include "privacy/secagg/client/state.h"
#include "privacy/secagg/merkle_tree.h"
#include "privacy/secagg/shamir.h"

namespace tributary::secagg {
namespace {

using Step = ClientStep;

}  // namespace

absl::StatusOr<Advertisement> Client::State::Advertise() {
  if (auto status = Expect(Step::kAdvertise); !status.ok()) return status;
  const auto identity = authority.Identify(signer.credential());
  if (!identity.ok()) return identity.status();
  mask_pair = KeyPair::Generate();
  channel_pair = KeyPair::Generate();
  own.name = (*identity)->name();
  own.mask_key = mask_pair->public_key();
  own.channel_key = channel_pair->public_key();
  SystemRandom().Fill(own.choice);
  Advertisement advertisement{own.mask_key, own.channel_key,
                              CommitToChoice(own.choice, own.mask_key),
                              signer.credential(), ""};
  auto signature = signer.Sign(SignedPart(terms, advertisement));
  if (!signature.ok()) return signature.status();
  advertisement.signature = *std::move(signature);
  leaf = LeafOf(advertisement);
  step = Step::kRoster;
  return advertisement;
}

absl::StatusOr<Opening> Client::State::Take(const Roster& roster) {
  if (auto status = Expect(Step::kRoster); !status.ok()) return status;
  if (roster.clients < terms.min_cohort || roster.clients > terms.max_cohort) {
    return Refused("a cohort of ", roster.clients, ", which is not in ",
                   terms.min_cohort, " .. ", terms.max_cohort);
  }
  if (!IsIncluded(leaf, roster.index, roster.clients, roster.proof,
                  roster.root)) {
    return Refused("this client's advertisement is not in the tree");
  }
  const auto parameters = ChooseGraph(terms.RiskOf(roster.clients));
  if (!parameters.ok()) return parameters.status();
  if (auto status = policy.Admits(roster.clients, *parameters); !status.ok()) {
    return status;
  }
  own.index = roster.index;
  own.root = roster.root;
  session = SessionId(terms, roster.root, roster.clients);
  graph.emplace(*parameters, roster.clients, roster.root);
  holders = graph->Holders(own.index, own.choice);
  step = Step::kNeighbours;
  return Opening{own.choice};
}

absl::StatusOr<KeyShares> Client::State::Take(
    std::span<const Neighbour> neighbours) {
  if (auto status = Expect(Step::kNeighbours); !status.ok()) return status;
  auto met = MeetNeighbours(terms, authority, *graph, own, neighbours);
  if (!met.ok()) return met.status();
  known = *std::move(met);
  for (const auto& [index, peer] : known) {
    auto shared = channel_pair->Agree(PeerKey(peer.channel_key));
    if (!shared.ok()) {
      return Refused("neighbour ", index, ": its key is of low order");
    }
    channels.emplace(index, *std::move(shared));
  }

  SystemRandom random;
  random.Fill(self_mask.bytes());
  const std::uint32_t threshold = graph->parameters().threshold;
  const auto places = graph->Places(holders);
  const auto key_shares =
      ShareSecret(mask_pair->secret(), threshold, places, random);
  const auto mask_shares = ShareSecret(self_mask, threshold, places, random);
  KeyShares message{CommitToSelfMask(session, own.index, self_mask), {}};
  for (std::size_t i = 0; i < holders.size(); ++i) {
    const Passage passage = Between(own.index, holders[i]);
    message.shares.push_back(
        {holders[i],
         Seal(channels.at(holders[i]), passage,
              {key_shares[i].Copy(), mask_shares[i].Copy()}),
         CommitToShare(ShareOf::kMaskKey, passage, key_shares[i]),
         CommitToShare(ShareOf::kSelfMask, passage, mask_shares[i])});
  }
  step = Step::kShares;
  return message;
}

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

absl::StatusOr<Client> Client::Make(const Terms& terms, const Policy& policy,
                                    Signer& signer, const Authority& authority,
                                    AnsweredSessions& answered) {
  if (auto status = terms.Validate(); !status.ok()) return status;
  if (auto status = policy.Admits(terms); !status.ok()) return status;
  return Client(
      std::make_unique<State>(terms, policy, signer, authority, answered));
}

absl::StatusOr<Advertisement> Client::Advertise() {
  return state_->Checked(state_->Advertise());
}
absl::StatusOr<Opening> Client::Receive(const Roster& roster) {
  return state_->Checked(state_->Take(roster));
}
absl::StatusOr<KeyShares> Client::Receive(
    std::span<const Neighbour> neighbours) {
  return state_->Checked(state_->Take(neighbours));
}
absl::StatusOr<MaskedInput> Client::Receive(const RoutedShares& routed) {
  return state_->Checked(state_->Take(routed));
}
absl::StatusOr<Agreement> Client::Receive(const Survivors& survivors) {
  return state_->Checked(state_->Take(survivors));
}
absl::StatusOr<Unmasking> Client::Receive(
    std::span<const SignedAgreement> agreements) {
  return state_->Checked(state_->Take(agreements));
}

const Digest& Client::session() const { return state_->session; }

}  // namespace tributary::secagg
