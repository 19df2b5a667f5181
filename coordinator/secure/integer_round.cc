// SPDX-License-Identifier: Apache-2.0
#include "coordinator/secure/integer_round.h"

#include <utility>

#include "proto/codec/integers.h"

namespace tributary::coordinator {
namespace {

absl::StatusOr<IntegerRound::Privacy> MakePrivacy(
    const v1::Plan& plan, const v1::IntegerUpdate& update) {
  const v1::PrivacyPlan& plan_privacy = plan.privacy();
  IntegerRound::Privacy privacy{.clip_norm = update.clip_norm(),
                                .noise_variance = 0,
                                .clip_word_variance = 0,
                                .denominator = plan.round().cohort_size(),
                                .adaptive = std::nullopt};
  double multiplier = plan_privacy.noise_multiplier();
  double count_deviation = 0;
  if (plan_privacy.clipping().has_adaptive()) {
    const auto& adaptive = plan_privacy.clipping().adaptive();
    privacy.adaptive = dp::AdaptiveClip{
        .quantile = adaptive.quantile(),
        .learning_rate = adaptive.learning_rate()};
    const auto rest =
        dp::UpdateNoiseMultiplier(multiplier, adaptive.count_noise());
    if (!rest.ok()) return rest.status();
    multiplier = *rest;
    count_deviation = dp::ClipWordDeviation(adaptive.count_noise());
  }
  if (plan_privacy.noise() == v1::PrivacyPlan::CENTRAL) {
    const double deviation = multiplier * update.norm_bound();
    privacy.noise_variance = deviation * deviation;
    privacy.clip_word_variance = count_deviation * count_deviation;
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
