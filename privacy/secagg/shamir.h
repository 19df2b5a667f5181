// SPDX-License-Identifier: Apache-2.0
// Shamir's secret sharing (1979) of 32 bytes over GF(2^16), 16 elements side by
// side. Any threshold of the shares give the secret; fewer say nothing of it,
// whatever the computer. Values; any thread.
//
// The field is GF(2)[x] / (x^16 + x^12 + x^3 + x + 1). A byte field would end
// at 255 holders; a prime field needs numbers of arbitrary length. Element i of
// a secret is bytes 2i and 2i+1, little-endian. The holder at place i, counted
// from 0, has the polynomials' values at i + 1.
//
// Time depends on places and counts, which are public, and on no secret: tables
// and branches are over places alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "privacy/crypto/random.h"
#include "privacy/secagg/secret.h"

namespace tributary::secagg {

inline constexpr std::uint32_t kMaxPlaces = 65535;

// A share for each place, in their order. The places are distinct and below
// kMaxPlaces; 1 <= threshold <= places. O(places * threshold). `random` makes
// the polynomials: the system's generator, but in a test of known answers.
std::vector<Secret> ShareSecret(const Secret& secret, std::uint32_t threshold,
                                std::span<const std::uint32_t> places,
                                RandomSource& random);

// Recovers secrets from shares at the same places, so that the work over the
// places is done once. O(places^2) to make, O(places) a secret.
class ShareRecovery {
 public:
  // As many distinct places as the threshold.
  explicit ShareRecovery(std::span<const std::uint32_t> places);

  // One share for each place, in their order. What comes out of wrong shares is
  // a wrong secret: check it.
  Secret Recover(std::span<const Secret* const> shares) const;

 private:
  // Lagrange's basis polynomials at zero.
  std::vector<std::uint16_t> weights_;
};

}  // namespace tributary::secagg
