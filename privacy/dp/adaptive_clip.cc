// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/adaptive_clip.h"

#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tributary::dp {

absl::StatusOr<double> UpdateNoiseMultiplier(double noise_multiplier,
                                             double count_noise) {
  const double count = ClipWordDeviation(count_noise);
  if (!(noise_multiplier > 0) || !(noise_multiplier < count)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a noise multiplier of ", noise_multiplier,
        " leaves nothing for the updates beside a count with noise of ",
        count_noise, ": take a count noise above ", noise_multiplier / 2));
  }
  return 1 / std::sqrt(1 / (noise_multiplier * noise_multiplier) -
                       1 / (count * count));
}

double ClipWordDeviation(double count_noise) { return 2 * count_noise; }

double ShareWithin(double noised_sum, double cohort) {
  return 0.5 + noised_sum / (2 * cohort);
}

double NextClip(const AdaptiveClip& adaptive, double clip,
                double share_within) {
  return std::clamp(clip * std::exp(-adaptive.learning_rate *
                                    (share_within - adaptive.quantile)),
                    adaptive.least, adaptive.largest);
}

}  // namespace tributary::dp
