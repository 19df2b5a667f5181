// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/adaptive_clip.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "privacy/crypto/random.h"

#include "tests/catch.h"

namespace tributary::dp {
namespace {

TEST_CASE("the updates' noise leaves room for the count's") {
  // Andrew et al. 2021, section 3: sigma_b = m / 20.
  CHECK(UpdateNoiseMultiplier(1, 100 / 20.0).value() ==
        Approx(1.0050378).epsilon(1e-7));
  CHECK(UpdateNoiseMultiplier(1, 1000 / 20.0).value() ==
        Approx(1.0000500).epsilon(1e-7));
  // Both together: 1/z^2 = 1/z_delta^2 + 1/(2 sigma_b)^2.
  const double z = UpdateNoiseMultiplier(1.9, 1).value();
  CHECK(1 / std::sqrt(1 / (z * z) + 1 / std::pow(ClipWordDeviation(1), 2)) ==
        Approx(1.9).epsilon(1e-12));
}

TEST_CASE("a count that costs as much as the whole round is refused") {
  CHECK(UpdateNoiseMultiplier(2, 1).status().message() ==
        "a noise multiplier of 2 leaves nothing for the updates beside a count "
        "with noise of 1: take a count noise above 1");
  CHECK_FALSE(UpdateNoiseMultiplier(3, 1).ok());
  CHECK_FALSE(UpdateNoiseMultiplier(std::nan(""), 1).ok());
  CHECK_FALSE(UpdateNoiseMultiplier(0, 1).ok());
  CHECK(UpdateNoiseMultiplier(1.999, 1).ok());
}

TEST_CASE("the norm shrinks where too many are within, and grows otherwise") {
  const AdaptiveClip adaptive;
  // exp(-0.2 (1 - 0.5)) and exp(-0.2 (0 - 0.5)).
  CHECK(NextClip(adaptive, 1, ShareWithin(100, 100)) == Approx(0.904837418));
  CHECK(NextClip(adaptive, 1, ShareWithin(-100, 100)) == Approx(1.105170918));
  CHECK(NextClip(adaptive, 0.1, ShareWithin(0, 100)) == Approx(0.1));
  // A cohort of 80 where 100 were planned, all within.
  CHECK(ShareWithin(80, 100) == Approx(0.9));
  CHECK(NextClip({.least = 0.5, .largest = 2}, 0.5, 1) == 0.5);
  CHECK(NextClip({.least = 0.5, .largest = 2}, 2, 0) == 2);
}

TEST_CASE("the norm finds the median of the updates' norms") {
  // Norms e^u, u uniform in [-1, 1]: median 1. Seed 41; noise of 5 on the count
  // of 100 moves the norm by 2 % or so.
  KeyedStream random(KeyFromSeed(41));
  double clip = 0.1;
  double low = 1e9;
  double high = 0;
  for (int round = 0; round < 300; ++round) {
    double sum = 0;
    for (int client = 0; client < 100; ++client) {
      sum += std::exp(2 * random.Uniform() - 1) <= clip ? 1 : -1;
    }
    // Uniform noise of the same deviation.
    sum += ClipWordDeviation(5) * std::sqrt(12) * (random.Uniform() - 0.5);
    clip = NextClip({}, clip, ShareWithin(sum, 100));
    if (round < 100) continue;
    low = std::min(low, clip);
    high = std::max(high, clip);
  }
  CHECK(low > 0.85);
  CHECK(high < 1.15);
}

}  // namespace
}  // namespace tributary::dp
