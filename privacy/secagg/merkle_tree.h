// SPDX-License-Identifier: Apache-2.0
// One hash that fixes a list, and short proofs that an entry stands at its
// place in it: the Merkle tree of RFC 9162, section 2.1 (Certificate
// Transparency), with SHA-256. Values; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "privacy/crypto/digest.h"

namespace tributary::secagg {

// SHA-256(0x00 || entry).
Digest MerkleLeaf(std::string_view entry);

class MerkleTree {
 public:
  // At least one leaf.
  explicit MerkleTree(std::vector<Digest> leaves);

  const Digest& root() const { return levels_.back().front(); }
  std::uint64_t size() const { return levels_.front().size(); }
  // The hashes beside the way from a leaf to the root, leaf first; at most
  // ceil(log2(size)).
  std::vector<Digest> ProofOf(std::uint64_t index) const;

 private:
  // The leaves first, the root last. The last hash of a level that has no
  // partner goes up as it is.
  std::vector<std::vector<Digest>> levels_;
};

// True if `leaf` stands at `index` of a list of `size` entries with this root.
bool IsIncluded(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                std::span<const Digest> proof, const Digest& root);

}  // namespace tributary::secagg
