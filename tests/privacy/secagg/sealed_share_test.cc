// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/sealed_share.h"

#include <algorithm>

#include "tests/privacy/secagg/known_bytes.h"

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

Passage SomePassage() {
  Passage passage{.session = {}, .round = 3, .from = 4, .to = 5};
  passage.session.bytes.fill(6);
  return passage;
}
HeldShares SomeShares() { return {FilledSecret(1), FilledSecret(2)}; }

TEST_CASE("sealed shares open for their holder") {
  const Secret shared = FilledSecret(9);
  const SealedText sealed = Seal(shared, SomePassage(), SomeShares());
  const auto opened = Open(shared, SomePassage(), sealed);
  REQUIRE(opened.ok());
  CHECK(opened->mask_key == FilledSecret(1));
  CHECK(opened->self_mask == FilledSecret(2));
  CHECK(std::ranges::search(sealed, FilledSecret(1).bytes().first(4)).empty());
}

TEST_CASE("sealed shares open nowhere else") {
  const Secret shared = FilledSecret(9);
  const SealedText sealed = Seal(shared, SomePassage(), SomeShares());
  Passage other = SomePassage();
  other.session.bytes[0] ^= 1;
  CHECK_FALSE(Open(shared, other, sealed).ok());
  other = SomePassage();
  other.round = 4;
  CHECK_FALSE(Open(shared, other, sealed).ok());
  other = SomePassage();
  other.to = 6;
  CHECK_FALSE(Open(shared, other, sealed).ok());
  other = SomePassage();
  std::swap(other.from, other.to);
  CHECK_FALSE(Open(shared, other, sealed).ok());
  CHECK_FALSE(Open(FilledSecret(8), SomePassage(), sealed).ok());
}

TEST_CASE("sealed shares with any bit changed are refused") {
  const Secret shared = FilledSecret(9);
  const SealedText sealed = Seal(shared, SomePassage(), SomeShares());
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    SealedText changed = sealed;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    REQUIRE_FALSE(Open(shared, SomePassage(), changed).ok());
  }
  CHECK_FALSE(Open(shared, SomePassage(), SealedText()).ok());
}

TEST_CASE("a commitment to a share is for one share, holder and purpose") {
  const Passage passage = SomePassage();
  const auto commitment =
      CommitToShare(ShareOf::kMaskKey, passage, FilledSecret(1));
  CHECK(commitment ==
        CommitToShare(ShareOf::kMaskKey, passage, FilledSecret(1)));
  CHECK(commitment !=
        CommitToShare(ShareOf::kMaskKey, passage, FilledSecret(2)));
  CHECK(commitment !=
        CommitToShare(ShareOf::kSelfMask, passage, FilledSecret(1)));
  Passage other = passage;
  other.to = 9;
  CHECK(commitment != CommitToShare(ShareOf::kMaskKey, other, FilledSecret(1)));
}

}  // namespace
}  // namespace tributary::secagg
