// SPDX-License-Identifier: Apache-2.0
// The update that every adversary of a round sends. mu, sigma: mean and
// standard deviation of the honest updates, coordinate by coordinate.
//
//   sign flip  -mu
//   Gaussian   N(0, s^2) in each coordinate, whatever the honest send
//   ALIE       mu - z sigma: inside the honest spread, all to one side
//              Baruch et al. 2019, "A Little Is Enough", algorithm 3
//   IPM        -e mu: a mean that points against the honest one, or is short
//              Xie et al. 2020, "Fall of Empires"
//
// Attacks on the training data (flipped labels, triggers) are not made here:
// their adversaries train and send what comes out.
//
// Pure but for the random source.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "privacy/crypto/random.h"
#include "simulation/attacks/honest_moments.h"

namespace tributary::attacks {

struct SignFlip {};
struct GaussianNoise {
  double deviation = 30;  // s, over 0; in units of the update
};
struct LittleIsEnough {
  double deviations = 1;  // z, over 0; LargestHiddenShift says how many
  HonestMoments::Spread spread = HonestMoments::Spread::kSample;
};
struct InnerProduct {
  double scale = 0.1;  // e, over 0
};
using Attack =
    std::variant<SignFlip, GaussianNoise, LittleIsEnough, InnerProduct>;

// InvalidArgument naming the option that is out of its range.
absl::Status Validate(const Attack& attack);

// As long as the honest updates, of which there is one at least, and two for
// ALIE by the spread of a sample. `random` is drawn from by GaussianNoise only.
std::vector<float> MaliciousUpdate(const Attack& attack,
                                   const HonestMoments& honest,
                                   RandomSource& random);

// z_max of ALIE: so many deviations off that enough honest updates are expected
// to be further off to outvote the rest with the adversaries,
//   Phi^-1((n - f - s) / (n - f)),  s = floor(n / 2 + 1) - f
// InvalidArgument unless 0 < f and f is a minority: then s is over 0.
absl::StatusOr<double> LargestHiddenShift(std::uint32_t updates,
                                          std::uint32_t adversaries);

}  // namespace tributary::attacks
