// SPDX-License-Identifier: Apache-2.0
// Whatever holds key material erases it when it goes: read from the memory that
// was given back, or that an object stood in. This does not see registers and
// the stack.
#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "privacy/crypto/random.h"
#include "privacy/secagg/key_agreement.h"
#include "privacy/secagg/mask_stream.h"
#include "privacy/secagg/messages.h"
#include "privacy/secagg/sealed_share.h"
#include "privacy/secagg/secret.h"
#include "privacy/secagg/shamir.h"
#include "tests/privacy/secagg/cohort.h"
#include "tests/privacy/secagg/freed_memory.h"

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

using Bytes = std::array<std::uint8_t, Secret::kSize>;

// 32 bytes that are nowhere else.
Bytes Marked(std::uint8_t which) {
  Bytes bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(37 * i + 11 * which + 5);
  }
  return bytes;
}
Secret SecretOf(const Bytes& bytes) {
  Secret secret;
  std::ranges::copy(bytes, secret.bytes().begin());
  return secret;
}

// The memory that an object stood in.
class Place {
 public:
  // Makes what `make` returns there, and destroys it.
  template <typename Make>
  void Visit(Make make) {
    using Guest = decltype(make());
    static_assert(sizeof(Guest) <= sizeof(bytes_));
    Guest* guest = ::new (static_cast<void*>(bytes_)) Guest(make());
    was_there_ = Holds();
    guest->~Guest();
  }
  // While it stood there; so the test would see what is left.
  bool WasThere() const { return was_there_; }
  bool Holds() const {
    const volatile unsigned char* read = bytes_;
    const Bytes marked = Marked(1);
    for (std::size_t at = 0; at + marked.size() <= sizeof(bytes_); ++at) {
      std::size_t same = 0;
      while (same < marked.size() && read[at + same] == marked[same]) ++same;
      if (same == marked.size()) return true;
    }
    return false;
  }

 private:
  alignas(std::max_align_t) unsigned char bytes_[8192] = {};
  bool was_there_ = false;
};

TEST_CASE("the memory that a secret stood in holds it no longer") {
  const auto secret = [] { return SecretOf(Marked(1)); };
  Place place;
  SECTION("a secret") { place.Visit(secret); }
  SECTION("a mask") {
    place.Visit([&] { return Mask{secret(), Direction::kAdd}; });
  }
  SECTION("shares that are held") {
    place.Visit([&] { return HeldShares{Secret(), secret()}; });
  }
  SECTION("a share that is revealed") {
    place.Visit([&] { return RevealedShare{7, secret()}; });
  }
  SECTION("an optional secret") {
    place.Visit([&] { return std::optional<Secret>(secret()); });
  }
  CHECK(place.WasThere());
  CHECK_FALSE(place.Holds());
}

TEST_CASE("bytes that nobody erases are found where they stood") {
  Place place;
  place.Visit([] { return Marked(1); });
  CHECK(place.WasThere());
  CHECK(place.Holds());
}

TEST_CASE("what was moved from holds nothing") {
  Secret from = SecretOf(Marked(1));
  const Secret to(std::move(from));
  CHECK(from == Secret());
  CHECK(to == SecretOf(Marked(1)));
  Secret third = SecretOf(Marked(2));
  third = to.Copy();
  CHECK(third == to);
}

TEST_CASE("a buffer of random bytes is erased") {
  class Repeated final : public RandomSource {
   public:
    void Fill(std::span<std::uint8_t> out) override {
      const Bytes marked = Marked(1);
      for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = marked[i % marked.size()];
      }
    }
  };
  Repeated source;
  alignas(BufferedRandom) unsigned char memory[sizeof(BufferedRandom)] = {};
  auto* buffered = ::new (static_cast<void*>(memory)) BufferedRandom(source);
  (void)buffered->Word();
  const volatile unsigned char* read = memory;
  // Words of the source that stand in it, at whichever byte.
  const auto left = [&] {
    const Bytes marked = Marked(1);
    int words = 0;
    for (std::size_t at = 0; at + 8 <= sizeof(memory); ++at) {
      bool is_word = true;
      for (std::size_t i = 0; i < 8; ++i) {
        is_word = is_word && read[at + i] == marked[i];
      }
      words += is_word ? 1 : 0;
    }
    return words;
  };
  CHECK(left() > 100);
  buffered->~BufferedRandom();
  CHECK(left() == 0);
}

TEST_CASE("containers of secrets give back nothing but zeros") {
  REQUIRE(SeesOpenSsl());
  const FreedMemory freed;
  {
    std::vector<Secret> many;  // moved as it grows
    std::map<Index, HeldShares> held;
    for (std::uint8_t i = 0; i < 40; ++i) {
      many.push_back(SecretOf(Marked(i)));
      held.emplace(i, HeldShares{SecretOf(Marked(i)), many.back().Copy()});
    }
    const auto alone = std::make_unique<Secret>(SecretOf(Marked(3)));
    SecretVector<std::uint8_t> words;
    for (const std::uint8_t byte : Marked(1)) words.push_back(byte);
    for (const std::uint8_t byte : Marked(2)) words.push_back(byte);
  }
  CHECK(freed.size() > 40 * 3 * Secret::kSize);
  CHECK_FALSE(freed.IsFull());
  for (std::uint8_t i = 0; i < 40; ++i) CHECK_FALSE(freed.Holds(Marked(i)));
}

TEST_CASE("what a plain container gives back is seen") {
  const FreedMemory freed;
  {
    const Bytes marked = Marked(1);
    const std::vector<std::uint8_t> plain(marked.begin(), marked.end());
  }
  CHECK(freed.Holds(Marked(1)));
}

TEST_CASE("keys, what is derived from them and shares leave nothing behind") {
  REQUIRE(SeesOpenSsl());
  const FreedMemory freed;
  std::vector<Bytes> secrets;
  secrets.reserve(200);  // or its own growth would give them back
  secrets = {Marked(1), Marked(2)};
  const auto keep = [&](const Secret& secret) {
    std::ranges::copy(secret.bytes(), secrets.emplace_back().begin());
  };
  {
    const KeyPair one = KeyPair::FromSecret(SecretOf(Marked(1)));
    const KeyPair other = KeyPair::FromSecret(SecretOf(Marked(2)));
    const Secret shared = one.Agree(PeerKey(other.public_key())).value();
    keep(shared);
    const Digest session = Sha256("session");
    keep(SelfMaskKey(shared, session, 1));
    keep(PairMaskKey(shared, session, 1, 2, Members(3)));
    const std::array<std::uint32_t, 5> places = {0, 1, 2, 3, 4};
    SystemRandom random;
    const auto shares = ShareSecret(one.secret(), 3, places, random);
    for (const Secret& share : shares) keep(share);
    const std::array<const Secret*, 3> some = {&shares[0], &shares[1],
                                               &shares[2]};
    const ShareRecovery recovery{std::span(places).first(3)};
    CHECK(recovery.Recover(some) == SecretOf(Marked(1)));
    const Passage passage{session, 1, 0, 1};
    const auto sealed =
        Seal(shared, passage, {shares[0].Copy(), shares[1].Copy()});
    CHECK(Open(shared, passage, sealed)->mask_key == shares[0]);
  }
  CHECK_FALSE(freed.IsFull());
  REQUIRE(secrets.size() == 10);
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    INFO("secret " << i);
    CHECK_FALSE(freed.Holds(secrets[i]));
  }
}

// All that clients and server give back in a session in which two vanish. What
// the server learns in the end, and what holders reveal, are secrets that
// clients had: none of it may have been given back.
TEST_CASE("a whole session leaves no mask and no share behind") {
  REQUIRE(SeesOpenSsl());
  const FreedMemory freed;
  std::vector<Bytes> secrets;
  secrets.reserve(200);
  const auto keep = [&](const Secret& secret) {
    std::ranges::copy(secret.bytes(), secrets.emplace_back().begin());
  };
  {
    Cohort cohort(SomeTerms(10, 50), 10);
    cohort.DrawInputs(3);
    cohort.RunToShares();
    cohort.SendInputs({8, 9});
    REQUIRE_FALSE(cohort.CloseMasking().has_value());
    cohort.Agree();
    REQUIRE_FALSE(cohort.CloseAgreeing().has_value());
    for (Index i = 0; i < 8; ++i) {
      const auto answer =
          cohort[i].client->Receive(cohort.server->AgreementsFor(i));
      REQUIRE(answer.ok());
      for (const RevealedShare& share : answer->shares) keep(share.share);
      REQUIRE(cohort.server->Accept(i, *answer) == Refusal::kNone);
    }
    auto outcome = cohort.server->CloseUnmasking();
    for (const Mask& mask : std::get<Recovery>(outcome).AllMasks()) {
      keep(mask.key);
    }
  }
  CHECK(freed.size() > 10'000);
  CHECK_FALSE(freed.IsFull());
  // 8 x 9 shares; the masks of 8 survivors, and of 8 with each of 2.
  CHECK(secrets.size() == 72 + 8 + 16);
  std::size_t left = 0;
  for (const Bytes& secret : secrets) left += freed.Holds(secret) ? 1 : 0;
  CHECK(left == 0);
}

}  // namespace
}  // namespace tributary::secagg
