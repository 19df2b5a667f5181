// SPDX-License-Identifier: Apache-2.0
#include "coordinator/secure/integer_round.h"

#include <utility>

#include "proto/codec/integers.h"
#include "proto/codec/round_noise.h"

namespace tributary::coordinator {
namespace {

absl::StatusOr<IntegerRound::Privacy> MakePrivacy(
    const v1::Plan& plan, const v1::IntegerUpdate& update) {
  const auto noise = codec::NoiseOf(plan, update.norm_bound());
  if (!noise.ok()) return noise.status();
  IntegerRound::Privacy privacy{.clip_norm = update.clip_norm(),
                                .noise_variance = 0,
                                .clip_word_variance = 0,
                                .denominator = plan.round().cohort_size(),
                                .adaptive = std::nullopt};
  if (plan.privacy().noise() == v1::PrivacyPlan::CENTRAL) {
    privacy.noise_variance = noise->update_variance;
    privacy.clip_word_variance = noise->clip_word_variance;
  }
  if (plan.privacy().clipping().has_adaptive()) {
    const auto& adaptive = plan.privacy().clipping().adaptive();
    privacy.adaptive =
        dp::AdaptiveClip{.quantile = adaptive.quantile(),
                         .learning_rate = adaptive.learning_rate()};
  }
  return privacy;
}

}  // namespace

absl::StatusOr<IntegerRound> MakeIntegerRound(const v1::Plan& plan,
                                              const Manifest& manifest,
                                              double clip_norm) {
  absl::StatusOr<v1::IntegerUpdate> update =
      codec::ToIntegerUpdate(plan, manifest, clip_norm);
  if (!update.ok()) return update.status();
  absl::StatusOr<aggregation::IntegerFormat> format =
      codec::ToIntegerFormat(*update, plan.update(), manifest, plan.strategy());
  if (!format.ok()) return format.status();
  IntegerRound round{.update = *std::move(update),
                     .format = *std::move(format),
                     .largest_word = 0,
                     .privacy = std::nullopt};
  round.largest_word = codec::LargestWord(round.update, round.format);
  if (plan.has_privacy()) {
    absl::StatusOr<IntegerRound::Privacy> privacy =
        MakePrivacy(plan, round.update);
    if (!privacy.ok()) return privacy.status();
    round.privacy = *std::move(privacy);
  }
  return round;
}

}  // namespace tributary::coordinator
