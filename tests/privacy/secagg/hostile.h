// SPDX-License-Identifier: Apache-2.0
// Who attacks a session: a coordinator, and clients that work for it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "privacy/secagg/key_agreement.h"
#include "privacy/secagg/merkle_tree.h"
#include "privacy/secagg/messages.h"
#include "tests/privacy/secagg/cohort.h"

namespace tributary::secagg {

// A coordinator that advertises what it likes: a tree of its own over
// advertisements that it chose.
class HostileServer {
 public:
  explicit HostileServer(std::vector<Advertisement> advertisements)
      : advertisements_(std::move(advertisements)), tree_(LeavesOf()) {}

  Roster RosterFor(Index client) const {
    return {tree_.root(), static_cast<std::uint32_t>(advertisements_.size()),
            client, tree_.ProofOf(client)};
  }
  // All but the reader.
  std::vector<Neighbour> NeighboursOf(Index client,
                                      const std::vector<Opening>& opened) {
    std::vector<Neighbour> neighbours;
    for (Index i = 0; i < advertisements_.size(); ++i) {
      if (i == client) continue;
      neighbours.push_back(
          {i, advertisements_[i], tree_.ProofOf(i), opened[i].choice});
    }
    return neighbours;
  }

 private:
  std::vector<Digest> LeavesOf() const {
    std::vector<Digest> leaves;
    for (const auto& each : advertisements_) leaves.push_back(LeafOf(each));
    return leaves;
  }
  std::vector<Advertisement> advertisements_;
  MerkleTree tree_;
};

// What a client with this name and these keys would advertise.
struct Puppet {
  explicit Puppet(const std::string& own_name) : name(own_name) {}
  Advertisement Advertise(const Terms& terms) const {
    Advertisement advertisement{
        mask_pair.public_key(), channel_pair.public_key(),
        CommitToChoice(opening.choice, mask_pair.public_key()),
        TestSigner(name).credential(), ""};
    return Signed(terms, advertisement);
  }
  Advertisement Signed(const Terms& terms, Advertisement advertisement) const {
    advertisement.signature =
        TestSigner::SignatureOf(name, SignedPart(terms, advertisement));
    return advertisement;
  }

  std::string name;
  KeyPair mask_pair = KeyPair::Generate();
  KeyPair channel_pair = KeyPair::Generate();
  Opening opening;
};

}  // namespace tributary::secagg
