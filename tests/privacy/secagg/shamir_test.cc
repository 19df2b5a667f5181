// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/shamir.h"

#include <algorithm>
#include <numeric>

#include "rapidcheck.h"
#include "tests/privacy/secagg/known_bytes.h"

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

// 3, 10, 17, ...
class FixedBytes final : public RandomSource {
 public:
  void Fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(next_ += 7);
  }

 private:
  unsigned next_ = 252;
};

Secret Recover(const std::vector<Secret>& shares,
               const std::vector<std::uint32_t>& places) {
  std::vector<const Secret*> given;
  for (const std::uint32_t place : places) given.push_back(&shares[place]);
  return ShareRecovery(places).Recover(given);
}

std::vector<std::uint32_t> FirstPlaces(std::uint32_t count) {
  std::vector<std::uint32_t> places(count);
  std::iota(places.begin(), places.end(), 0U);
  return places;
}

Secret Counting() {
  Secret secret;
  std::iota(secret.bytes().begin(), secret.bytes().end(), std::uint8_t{0});
  return secret;
}

// By a schoolbook evaluation over GF(2)[x] / 0x1100B in Python, which shares no
// code with this one.
TEST_CASE("shares of known polynomials are known") {
  FixedBytes random;
  const auto shares = ShareSecret(Counting(), 3, FirstPlaces(5), random);
  REQUIRE(shares.size() == 5);
  CHECK(ToHex(shares[0].bytes()) ==
        "e0e1e2e3e425262728696a6b6c6d2e2f3031f2f3f4f5f63738393a7b7c7d7e7f");
  CHECK(ToHex(shares[3].bytes()) ==
        "a13ac0411e5fff25f8e2199f87407b8856bfd5aa00246acfd7e98c7292abf3d0");
  CHECK(ToHex(shares[4].bytes()) ==
        "41da20a1fe7fdf05d88279ffe7205ba8769f354ae0c48aeff7c9ac12f2cb93b0");
}

TEST_CASE("any threshold of the shares give the secret, one fewer another") {
  SystemRandom random;
  CHECK(rc::check([&] {
    const auto holders = *rc::gen::inRange<std::uint32_t>(2, 120);
    const auto threshold = *rc::gen::inRange<std::uint32_t>(2, holders + 1);
    Secret secret;
    random.Fill(secret.bytes());
    std::vector<std::uint32_t> places = FirstPlaces(holders);
    const auto shares = ShareSecret(secret, threshold, places, random);
    for (std::size_t i = places.size(); i > 1; --i) {
      std::swap(places[i - 1], places[random.Below(i)]);
    }
    places.resize(threshold);
    RC_ASSERT(Recover(shares, places) == secret);
    places.pop_back();
    RC_ASSERT(!(Recover(shares, places) == secret));
  }));
}

TEST_CASE("a wrong share gives a wrong secret") {
  SystemRandom random;
  const Secret secret = FilledSecret(9);
  auto shares = ShareSecret(secret, 3, FirstPlaces(4), random);
  shares[2].bytes()[31] ^= 1;
  CHECK_FALSE(Recover(shares, {0, 1, 2}) == secret);
  CHECK(Recover(shares, {0, 1, 3}) == secret);
}

TEST_CASE("places beyond a byte's work") {
  SystemRandom random;
  const Secret secret = FilledSecret(9);
  const auto shares = ShareSecret(secret, 2, FirstPlaces(1'000), random);
  CHECK(Recover(shares, {700, 999}) == secret);
  CHECK(Recover(shares, {255, 256}) == secret);
}

// With one share fewer than the threshold every secret is as likely. What this
// shows: a bit of a share is set as often under one secret as under another.
// 20,000 shares, 256 bits; a bit beyond 6 deviations comes once in 10^6 tests.
TEST_CASE("a share below the threshold looks the same for every secret") {
  SystemRandom random;
  constexpr int kTries = 20'000;
  for (const std::uint8_t value : {std::uint8_t{0}, std::uint8_t{255}}) {
    std::vector<int> set(256);
    for (int i = 0; i < kTries; ++i) {
      const auto shares =
          ShareSecret(FilledSecret(value), 2, FirstPlaces(2), random);
      for (std::size_t bit = 0; bit < 256; ++bit) {
        set[bit] += shares[1].bytes()[bit / 8] >> bit % 8 & 1;
      }
    }
    for (const int count : set) {
      CHECK(std::abs(count - kTries / 2) < 6 * 71);
    }
  }
}

}  // namespace
}  // namespace tributary::secagg
