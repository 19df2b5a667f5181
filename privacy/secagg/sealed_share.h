// SPDX-License-Identifier: Apache-2.0
// A holder's shares of one client's two secrets, sealed for it: nobody on the
// way reads or changes them, and they open in one session, from one client to
// one other, only. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>

#include "absl/status/statusor.h"
#include "privacy/crypto/digest.h"
#include "privacy/secagg/graph_parameters.h"
#include "privacy/secagg/key_agreement.h"
#include "privacy/secagg/secret.h"

namespace tributary::secagg {

struct HeldShares {
  Secret mask_key;   // of the private mask key: for a client that dropped out
  Secret self_mask;  // of the self mask's seed: for one that did not
};

// ChaCha20-Poly1305 (RFC 8439): as fast with as without AES instructions, and
// in constant time on both. 64 bytes of shares and a tag of 16.
inline constexpr std::size_t kSealedSize = 80;

using SealedText = std::array<std::uint8_t, kSealedSize>;

// Who sealed for whom in which session.
struct Passage {
  Digest session;
  std::uint32_t round = 0;
  Index from = 0;
  Index to = 0;
};

// `shared` is the two clients' X25519 secret of their channel keys. The key
// derived from it seals one message: it is bound to the session, whose keys are
// fresh, and to the direction; so the nonce is zero.
SealedText Seal(const Secret& shared, const Passage& passage,
                const HeldShares& shares);
// InvalidArgument if it is not what `from` sealed here for `to`.
absl::StatusOr<HeldShares> Open(const Secret& shared, const Passage& passage,
                                const SealedText& sealed);

// What a client says of a share in public when it seals it, so that whoever
// gives a wrong one later is found out. Shares are uniform: a hash hides one.
using ShareCommitment = std::array<std::uint8_t, 16>;

enum class ShareOf { kMaskKey, kSelfMask };

ShareCommitment CommitToShare(ShareOf what, const Passage& passage,
                              const Secret& share);
// The same for the whole seed of the self mask.
Digest CommitToSelfMask(const Digest& session, Index client,
                        const Secret& seed);

}  // namespace tributary::secagg
