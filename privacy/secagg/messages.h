// SPDX-License-Identifier: Apache-2.0
// What the two halves of a session say to each other, in order. Values.
//
//   client                       server
//   Advertisement            ->
//                            <-  Roster          the keys are fixed now
//   Opening                  ->
//                            <-  Neighbour, many
//   KeyShares                ->
//                            <-  RoutedShares    who shared is fixed now
//   MaskedInput, packed words->
//                            <-  Survivors       whose inputs are added up
//   Agreement                ->
//                            <-  Agreements
//   Unmasking                ->                  the sum, or nothing
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "privacy/crypto/digest.h"
#include "privacy/crypto/random.h"
#include "privacy/secagg/key_agreement.h"
#include "privacy/secagg/members.h"
#include "privacy/secagg/sealed_share.h"
#include "privacy/secagg/secret.h"
#include "privacy/secagg/terms.h"

namespace tributary::secagg {

struct Advertisement {
  PublicKey mask_key{};     // agrees on masks; its secret is shared out
  PublicKey channel_key{};  // agrees on seals; its secret never leaves
  Digest choice;            // CommitToChoice of the client's Opening
  std::string credential;
  // By the credential's key, over SignedPart.
  std::string signature;
};

// What an advertisement's signature covers: the terms with it.
std::string SignedPart(const Terms& terms, const Advertisement& advertisement);
// Its entry in the session's Merkle tree, signature included.
Digest LeafOf(const Advertisement& advertisement);
// Bound to the client's key, so that nobody can repeat another's.
Digest CommitToChoice(const Key& choice, const PublicKey& mask_key);

struct Roster {
  Digest root;
  std::uint32_t clients = 0;
  Index index = 0;  // the reader's
  std::vector<Digest> proof;
};

struct Opening {
  Key choice{};
};

struct Neighbour {
  Index index = 0;
  Advertisement advertisement;
  std::vector<Digest> proof;
  // None if the neighbour has left since.
  std::optional<Key> choice;
};

struct SealedShares {
  Index peer = 0;  // the holder on the way up, the owner on the way down
  SealedText sealed{};
  ShareCommitment mask_key{};
  ShareCommitment self_mask{};
};

struct KeyShares {
  Digest self_mask;  // CommitToSelfMask
  std::vector<SealedShares> shares;
};

struct RoutedShares {
  Members sharers;
  std::vector<SealedShares> shares;
};

// With the packed words.
struct MaskedInput {
  // Owners whose shares did not open, or were not those committed to.
  std::vector<Index> unreadable;
};

struct Survivors {
  Members members;
};

// What an Agreement signs: who shared, and whose inputs are added up.
std::string AgreedPart(const Digest& session, const Members& sharers,
                       const Members& survivors);

struct Agreement {
  std::string signature;
};

struct SignedAgreement {
  Index client = 0;
  std::string signature;
};

// A share of the self mask of a survivor, or of the mask key of another.
struct RevealedShare {
  Index owner = 0;
  Secret share;
};

struct Unmasking {
  std::vector<RevealedShare> shares;
};

// What both halves derive a mask from. `sharers` is part of it: clients that
// were told different ones make masks that do not cancel.
Secret PairMaskKey(const Secret& shared, const Digest& session, Index one,
                   Index other, const Members& sharers);
Secret SelfMaskKey(const Secret& seed, const Digest& session, Index client);
// Of the mask between `client` and `other` in the input of `client`.
inline Direction PairDirection(Index client, Index other) {
  return client < other ? Direction::kAdd : Direction::kSubtract;
}

}  // namespace tributary::secagg
