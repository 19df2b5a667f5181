// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/client/neighbourhood.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "privacy/secagg/merkle_tree.h"

namespace tributary::secagg {
namespace {

absl::Status Refuse(Index index, const std::string& reason) {
  return absl::FailedPreconditionError(
      absl::StrCat("neighbour ", index, ": ", reason));
}

absl::StatusOr<std::unique_ptr<Peer>> Identify(const Terms& terms,
                                               const Authority& authority,
                                               const Neighbour& neighbour) {
  const Advertisement& advertisement = neighbour.advertisement;
  auto peer = authority.Identify(advertisement.credential);
  if (!peer.ok()) {
    return Refuse(neighbour.index, std::string(peer.status().message()));
  }
  const absl::Status signature = (*peer)->Verify(
      SignedPart(terms, advertisement), advertisement.signature);
  if (signature.ok()) return peer;
  // It may be honest, and was given another model, plan or round.
  return Refuse(neighbour.index,
                "its advertisement is not signed by it for these terms");
}

// Marks the peer as one that holds shares of this client, one that this client
// holds shares of, or both.
absl::Status Relate(const Graph& graph, const OwnPlace& own,
                    const std::vector<Index>& holders,
                    const Neighbour& neighbour, KnownPeer& known) {
  known.is_holder = std::ranges::binary_search(holders, neighbour.index);
  if (neighbour.choice.has_value()) {
    if (CommitToChoice(*neighbour.choice, known.mask_key) !=
        neighbour.advertisement.choice) {
      return Refuse(neighbour.index, "its choice is not what it committed to");
    }
    known.choice = *neighbour.choice;
    known.is_owner = std::ranges::binary_search(
        graph.Holders(neighbour.index, known.choice), own.index);
  }
  if (known.is_holder || known.is_owner) return absl::OkStatus();
  return Refuse(neighbour.index, "it is none by the graph");
}

}  // namespace

absl::StatusOr<std::map<Index, KnownPeer>> MeetNeighbours(
    const Terms& terms, const Authority& authority, const Graph& graph,
    const OwnPlace& own, std::span<const Neighbour> neighbours) {
  const std::vector<Index> holders = graph.Holders(own.index, own.choice);
  std::map<Index, KnownPeer> known;
  std::set<std::string> names = {own.name};
  std::set<PublicKey> keys = {own.mask_key, own.channel_key};
  for (const Neighbour& neighbour : neighbours) {
    const Advertisement& advertisement = neighbour.advertisement;
    if (neighbour.index == own.index || known.contains(neighbour.index)) {
      return Refuse(neighbour.index, "it was there already");
    }
    if (!IsIncluded(LeafOf(advertisement), neighbour.index, graph.clients(),
                    neighbour.proof, own.root)) {
      return Refuse(neighbour.index, "its advertisement is not in the tree");
    }
    auto identity = Identify(terms, authority, neighbour);
    if (!identity.ok()) return identity.status();
    if (!names.insert((*identity)->name()).second) {
      return Refuse(neighbour.index, "its name is another's too");
    }
    if (!keys.insert(advertisement.mask_key).second ||
        !keys.insert(advertisement.channel_key).second) {
      return Refuse(neighbour.index, "its key is another's too");
    }
    KnownPeer peer{advertisement.mask_key, advertisement.channel_key,
                   *std::move(identity)};
    if (const absl::Status status =
            Relate(graph, own, holders, neighbour, peer);
        !status.ok()) {
      return status;
    }
    known.emplace(neighbour.index, std::move(peer));
  }
  for (const Index holder : holders) {
    if (!known.contains(holder)) return Refuse(holder, "it is missing");
  }
  return known;
}

}  // namespace tributary::secagg
