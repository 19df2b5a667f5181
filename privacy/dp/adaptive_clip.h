// SPDX-License-Identifier: Apache-2.0
// A clip norm that follows a quantile of the updates' norms: Andrew, Thakkar,
// McMahan, Ramaswamy 2021, algorithm 1. Pure; any thread.
//
// Each client says whether its update was within the norm, by a word of +1 or
// -1 beside its update; the words are summed and noised like the update.
#pragma once

#include "absl/status/statusor.h"

namespace tributary::dp {

struct AdaptiveClip {
  // gamma: of the updates, so many are to be within the norm.
  double quantile = 0.5;
  // eta: how fast the norm follows.
  double learning_rate = 0.2;
  // The norm stays between these.
  double least = 1e-9;
  double largest = 1e9;
};

// The noise multiplier of the updates beside a count with noise of standard
// deviation `count_noise` (sigma_b), such that both together cost a round what
// `noise_multiplier` (z) would:
//     z_delta = (z^-2 - (2 sigma_b)^-2)^(-1/2)
// INVALID_ARGUMENT if z >= 2 sigma_b: the count alone would cost as much.
absl::StatusOr<double> UpdateNoiseMultiplier(double noise_multiplier,
                                             double count_noise);

// Standard deviation of the noise on the sum of the +-1 words: they move by 2
// where the count moves by 1.
double ClipWordDeviation(double count_noise);

// b~ from the noised sum of the words of a round that was planned for `cohort`
// clients; noise, and a cohort that differs, may take it out of [0, 1]:
//     b~ = 1/2 + sum / (2 cohort)
double ShareWithin(double noised_sum, double cohort);

// C <- C exp(-eta (b~ - gamma)), within the limits.
double NextClip(const AdaptiveClip& adaptive, double clip, double share_within);

}  // namespace tributary::dp
