// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/messages.h"

#include <algorithm>

#include "privacy/secagg/merkle_tree.h"
#include "privacy/secagg/statement.h"

namespace tributary::secagg {

std::string SignedPart(const Terms& terms, const Advertisement& advertisement) {
  return Statement("advertisement")
      .Add(terms.Hash().AsBytes())
      .Add(AsText(advertisement.mask_key))
      .Add(AsText(advertisement.channel_key))
      .Add(advertisement.choice.AsBytes())
      .Add(advertisement.credential)
      .bytes();
}

Digest LeafOf(const Advertisement& advertisement) {
  return MerkleLeaf(Statement("advertised")
                        .Add(AsText(advertisement.mask_key))
                        .Add(AsText(advertisement.channel_key))
                        .Add(advertisement.choice.AsBytes())
                        .Add(advertisement.credential)
                        .Add(advertisement.signature)
                        .bytes());
}

Digest CommitToChoice(const Key& choice, const PublicKey& mask_key) {
  return Statement("choice").Add(AsText(choice)).Add(AsText(mask_key)).Hash();
}

std::string AgreedPart(const Digest& session, const Members& sharers,
                       const Members& survivors) {
  return Statement("agreement")
      .Add(session.AsBytes())
      .Add(sharers.bytes())
      .Add(survivors.bytes())
      .bytes();
}

Secret PairMaskKey(const Secret& shared, const Digest& session, Index one,
                   Index other, const Members& sharers) {
  return DeriveSecret(shared.bytes(), session.bytes,
                      Statement("pair mask")
                          .Add(std::min(one, other))
                          .Add(std::max(one, other))
                          .Add(Sha256(sharers.bytes()).AsBytes())
                          .bytes());
}

Secret SelfMaskKey(const Secret& seed, const Digest& session, Index client) {
  return DeriveSecret(seed.bytes(), session.bytes,
                      Statement("self mask").Add(client).bytes());
}

}  // namespace tributary::secagg
