// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/merkle_tree.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

namespace tributary::secagg {
namespace {

Digest Parent(const Digest& left, const Digest& right) {
  std::array<char, 65> text;
  text[0] = 1;
  std::memcpy(text.data() + 1, left.bytes.data(), 32);
  std::memcpy(text.data() + 33, right.bytes.data(), 32);
  return Sha256(std::string_view(text.data(), text.size()));
}

}  // namespace

Digest MerkleLeaf(std::string_view entry) {
  std::string text(1, '\0');
  text.append(entry);
  return Sha256(text);
}

MerkleTree::MerkleTree(std::vector<Digest> leaves) {
  if (leaves.empty()) std::abort();
  levels_.push_back(std::move(leaves));
  while (levels_.back().size() > 1) {
    const std::vector<Digest>& below = levels_.back();
    std::vector<Digest> level;
    for (std::size_t i = 0; i + 1 < below.size(); i += 2) {
      level.push_back(Parent(below[i], below[i + 1]));
    }
    if (below.size() % 2 == 1) level.push_back(below.back());
    levels_.push_back(std::move(level));
  }
}

std::vector<Digest> MerkleTree::ProofOf(std::uint64_t index) const {
  if (index >= size()) std::abort();
  std::vector<Digest> proof;
  for (const auto& level : levels_) {
    const std::uint64_t partner = index ^ 1;
    if (partner < level.size()) proof.push_back(level[partner]);
    index >>= 1;
  }
  return proof;
}

bool IsIncluded(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                std::span<const Digest> proof, const Digest& root) {
  // RFC 9162, section 2.1.3.2.
  if (index >= size) return false;
  std::uint64_t at = index;
  std::uint64_t last = size - 1;
  Digest hash = leaf;
  for (const Digest& partner : proof) {
    if (last == 0) return false;
    if (at % 2 == 1 || at == last) {
      hash = Parent(partner, hash);
      while (at % 2 == 0 && at != 0) {
        at >>= 1;
        last >>= 1;
      }
    } else {
      hash = Parent(hash, partner);
    }
    at >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

}  // namespace tributary::secagg
