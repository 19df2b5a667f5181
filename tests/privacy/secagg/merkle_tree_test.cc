// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/merkle_tree.h"

#include <string>

#include "tests/privacy/secagg/known_bytes.h"

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

std::vector<Digest> Leaves(std::size_t count) {
  std::vector<Digest> leaves;
  for (std::size_t i = 0; i < count; ++i) {
    leaves.push_back(MerkleLeaf(std::to_string(i)));
  }
  return leaves;
}

// The eight entries and roots of Certificate Transparency's own tests
// (google/certificate-transparency, merkletree/merkle_tree_test.cc).
TEST_CASE("roots are those of Certificate Transparency") {
  std::vector<Digest> leaves;
  for (const char* entry :
       {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f"}) {
    const auto bytes = FromHex(entry);
    leaves.push_back(MerkleLeaf(
        {reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  }
  const auto root = [&](std::size_t count) {
    return MerkleTree({leaves.begin(),
                       leaves.begin() + static_cast<std::ptrdiff_t>(count)})
        .root()
        .Hex();
  };
  CHECK(root(1) ==
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  CHECK(root(2) ==
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
  CHECK(root(3) ==
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
  CHECK(root(8) ==
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

TEST_CASE("each entry is proved to stand at its place and at no other") {
  for (std::size_t size = 1; size <= 40; ++size) {
    const auto leaves = Leaves(size);
    const MerkleTree tree(leaves);
    for (std::size_t i = 0; i < size; ++i) {
      const auto proof = tree.ProofOf(i);
      for (std::size_t place = 0; place < size + 2; ++place) {
        INFO(i << " at " << place << " of " << size);
        CHECK(IsIncluded(leaves[i], place, size, proof, tree.root()) ==
              (place == i));
      }
    }
  }
}

TEST_CASE("a proof that is changed, cut, too long or of another tree fails") {
  const auto leaves = Leaves(11);
  const MerkleTree tree(leaves);
  const auto proof = tree.ProofOf(6);
  CHECK(IsIncluded(leaves[6], 6, 11, proof, tree.root()));
  for (std::size_t i = 0; i < proof.size(); ++i) {
    auto changed = proof;
    changed[i].bytes[5] ^= 4;
    CHECK_FALSE(IsIncluded(leaves[6], 6, 11, changed, tree.root()));
  }
  auto longer = proof;
  longer.push_back(proof[0]);
  CHECK_FALSE(IsIncluded(leaves[6], 6, 11, longer, tree.root()));
  CHECK_FALSE(IsIncluded(
      leaves[6], 6, 11, std::span(proof).first(proof.size() - 1), tree.root()));
  CHECK_FALSE(IsIncluded(leaves[5], 6, 11, proof, tree.root()));
  CHECK_FALSE(IsIncluded(leaves[6], 6, 11, proof, Digest()));
  CHECK_FALSE(IsIncluded(leaves[6], 11, 11, proof, tree.root()));
}

TEST_CASE("an inner node is no entry") {
  const auto leaves = Leaves(4);
  const MerkleTree tree(leaves);
  const MerkleTree left({leaves[0], leaves[1]});
  const MerkleTree right({leaves[2], leaves[3]});
  const std::vector<Digest> proof = {right.root()};
  // As a tree of two it would verify; the size is part of what is signed.
  CHECK_FALSE(IsIncluded(left.root(), 0, 4, proof, tree.root()));
}

}  // namespace
}  // namespace tributary::secagg
