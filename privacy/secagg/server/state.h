// SPDX-License-Identifier: Apache-2.0
// What the server's half knows of a session. For server.cc, which has the steps
// up to the keys, and unmasking.cc, which has those from the inputs on.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "privacy/secagg/graph.h"
#include "privacy/secagg/merkle_tree.h"
#include "privacy/secagg/server/server.h"
#include "privacy/secagg/shamir.h"

namespace tributary::secagg {

enum class ServerStep {
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

inline std::size_t PositionOf(const std::vector<Index>& sorted, Index client) {
  return static_cast<std::size_t>(std::ranges::lower_bound(sorted, client) -
                                  sorted.begin());
}

struct Server::State {
  State(const Terms& own_terms, const Authority& pinned)
      : terms(own_terms), authority(pinned) {}

  void Demand(ServerStep expected) const {
    if (step != expected) std::abort();
  }
  // kNone if it is the turn of `client`, one of `expected`, that is not `done`.
  Refusal CheckTurn(ServerStep at, Index client, const Members& expected,
                    const Members& done) const {
    if (step != at || !expected.Contains(client)) return Refusal::kWrongStep;
    return done.Contains(client) ? Refusal::kAgain : Refusal::kNone;
  }
  Abandoned Abandon(Abandoned reason) {
    Finish();
    return reason;
  }
  // Names stay: whom to blame is told by them.
  void Finish() {
    step = ServerStep::kOver;
    for (Participant& participant : participants) {
      std::vector<SealedText>().swap(participant.sealed);
      std::vector<HeldBy>().swap(participant.revealed);
    }
  }
  std::uint32_t threshold() const { return graph->parameters().threshold; }
  // Fewer than the terms demand are left, or of some client of `owners` fewer
  // than its threshold of holders.
  std::optional<Abandoned> Shortfall(const Members& left,
                                     const Members& owners) const;
  // Abandons if there is one.
  std::optional<Abandoned> CheckLeft(const Members& left,
                                     const Members& owners);
  // Who can answer, of those that agreed so far.
  Members Answerers() const;
  std::uint32_t HoldersLeft(Index owner, const Members& left) const;
  Refusal Take(const Advertisement& advertisement,
               std::optional<std::string_view> sender);
  // The shares of one client make the secret it committed to.
  std::optional<Secret> Recover(Index client);
  std::vector<Recovery::Neighbour> MaskedWith(Index client) const;

  const Terms terms;
  const Authority& authority;
  ServerStep step = ServerStep::kAdvertising;

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

}  // namespace tributary::secagg
