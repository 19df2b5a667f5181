// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/round_noise.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "privacy/dp/adaptive_clip.h"
#include "privacy/dp/integer_noise.h"
#include "proto/codec/integers.h"

namespace tributary::codec {

absl::StatusOr<RoundNoise> NoiseOf(const v1::Plan& plan, double norm_bound) {
  const v1::PrivacyPlan& privacy = plan.privacy();
  double multiplier = privacy.noise_multiplier();
  RoundNoise noise;
  if (privacy.clipping().has_adaptive()) {
    const double count_noise = privacy.clipping().adaptive().count_noise();
    const auto rest = dp::UpdateNoiseMultiplier(multiplier, count_noise);
    if (!rest.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "privacy.clipping.adaptive.count_noise: ", rest.status().message()));
    }
    multiplier = *rest;
    const double deviation = dp::ClipWordDeviation(count_noise);
    noise.clip_word_variance = deviation * deviation;
  }
  const double deviation = multiplier * norm_bound;
  noise.update_variance = deviation * deviation;
  double largest = dp::kLargestGaussianVariance;
  if (privacy.noise() == v1::PrivacyPlan::DISTRIBUTED) {
    noise.shares = CertainShares(plan);
    largest = dp::kLargestSkellamVariance;
    if (noise.shares == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "round.min_updates: of ", plan.round().min_updates(),
          " updates none is certain to bring its share of the noise with "
          "secure_aggregation.corrupt ",
          plan.secure_aggregation().corrupt(), "; raise it"));
    }
  }
  const double share =
      std::max(noise.update_variance, noise.clip_word_variance) / noise.shares;
  if (share > largest) {
    return absl::InvalidArgumentError(absl::StrCat(
        "update.bits: ", plan.update().bits(), " with noise_multiplier ",
        privacy.noise_multiplier(), " takes noise of variance ", share,
        " grid points squared, of which at most ", largest,
        " can be drawn: lower update.bits"));
  }
  return noise;
}

}  // namespace tributary::codec
