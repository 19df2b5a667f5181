// SPDX-License-Identifier: Apache-2.0
#include "coordinator/checkpoint/plan_options.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/strings/str_cat.h"
#include "privacy/dp/poisson_draws.h"
#include "proto/codec/hierarchy_rules.h"

namespace tributary::checkpoint {
namespace {

// Both saturate: a value out of range stays out of range, and Validate names
// it.
int ToInt(std::uint32_t value) {
  return static_cast<int>(
      std::min<std::uint32_t>(value, std::numeric_limits<int>::max()));
}

round::Duration ToDuration(const google::protobuf::Duration& duration) {
  constexpr std::int64_t kMostSeconds = std::int64_t{1} << 40;
  const std::int64_t seconds =
      std::clamp(duration.seconds(), -kMostSeconds, kMostSeconds);
  return round::Duration(seconds * 1000 + duration.nanos() / 1'000'000);
}

round::Sampling ToSampling(v1::PrivacyPlan::Sampling sampling) {
  switch (sampling) {
    case v1::PrivacyPlan::POISSON:
      return round::Sampling::kPoisson;
    case v1::PrivacyPlan::FIXED_SIZE:
      return round::Sampling::kFixedSize;
    default:  // every client may be in every round
      return round::Sampling::kAny;
  }
}

round::SecureOptions ToSecure(const v1::SecureAggregationPlan& plan) {
  round::SecureOptions secure;
  secure.step_deadline = ToDuration(plan.step_deadline());
  secure.min_cohort = ToInt(plan.min_cohort());
  secure.dropped = plan.dropped();
  return secure;
}

// The fewest clients among whom cohorts with this minimum may be drawn.
int LeastWaiting(const v1::Plan& plan, int minimum) {
  const std::int64_t population = plan.privacy().population();
  const dp::PoissonDraws draws{.population = population,
                               .cohort = plan.round().cohort_size(),
                               .rounds = plan.stop().rounds(),
                               .attempts = plan.round().max_attempts(),
                               .delta = plan.privacy().delta()};
  return static_cast<int>(std::min(population, draws.LeastWaiting(minimum)));
}

// Whoever comes is asked, and as many as are wanted are released.
void FillAsynchronous(const v1::AsynchronousPlan& plan,
                      round::Options& options) {
  options.over_selection = 1;
  options.min_updates = options.cohort_size;
  options.max_attempts = 1;
  options.asynchronous = round::AsynchronousOptions{
      .concurrency = ToInt(plan.concurrency()),
      .staleness_exponent = plan.staleness_exponent(),
      .max_staleness = ToInt(plan.max_staleness()),
      .mixing_rate = std::nullopt};
  if (plan.has_mixing()) {
    options.asynchronous->mixing_rate = plan.mixing().rate();
  }
}

// What a node of this tier does for the root, and asks of those below it.
void FillTier(const v1::Plan& plan, std::uint32_t tier,
              round::Options& options) {
  const v1::HierarchyPlan& hierarchy = plan.hierarchy();
  options.cohort_size = ToInt(codec::LeavesOfTier(plan, tier));
  const auto tiers = static_cast<std::uint32_t>(hierarchy.fan_out_size());
  if (tier < tiers) {
    options.tree = round::TreeOptions{
        .aggregators = ToInt(hierarchy.fan_out(static_cast<int>(tier))),
        .leaves_each = ToInt(codec::LeavesOfTier(plan, tier + 1)),
        .takes_trainers = !options.secure};
    options.secure.reset();
  }
  if (tier == 0) return;
  options.parent =
      round::ParentOptions{.deadline_share = hierarchy.deadline_share()};
  options.min_updates = ToInt(hierarchy.min_leaves());
  options.evaluate_every = 0;
  options.stop_metric.clear();
  options.stop_target.reset();
}

// Not yet checked.
round::Options OptionsOf(const v1::Plan& plan, std::uint32_t tier) {
  round::Options options;
  const v1::RoundPlan& round = plan.round();
  options.cohort_size = ToInt(round.cohort_size());
  options.over_selection = round.over_selection();
  options.min_updates = ToInt(round.min_updates());
  options.deadline = ToDuration(round.deadline());
  options.selection_timeout = ToDuration(round.selection_timeout());
  options.retry_backoff = ToDuration(round.retry_backoff());
  options.max_attempts = ToInt(round.max_attempts());
  options.rounds = ToInt(plan.stop().rounds());
  options.stop_metric = plan.stop().metric();
  if (plan.stop().has_target()) options.stop_target = plan.stop().target();
  options.evaluate_every = ToInt(plan.evaluation().every_rounds());
  if (plan.evaluation().has_deadline()) {
    options.evaluation_deadline = ToDuration(plan.evaluation().deadline());
  }
  options.max_weight = plan.update().max_weight();
  options.packed = plan.update().encoding() == v1::UpdatePlan::PACKED;
  if (plan.has_secure_aggregation() && !plan.simulation().skip_masks()) {
    options.secure = ToSecure(plan.secure_aggregation());
  }
  if (plan.has_quarantine()) {
    options.quarantine =
        round::QuarantineOptions{.strikes = ToInt(plan.quarantine().strikes()),
                                 .rounds = ToInt(plan.quarantine().rounds())};
  }
  if (plan.has_privacy()) {
    const v1::PrivacyPlan& privacy = plan.privacy();
    options.sampling = ToSampling(privacy.sampling());
    if (options.sampling != round::Sampling::kAny) {
      options.population = ToInt(privacy.population());
    }
    if (options.sampling == round::Sampling::kPoisson) {
      options.least_waiting = ToInt(LeastWaiting(plan, options.LeastCohort()));
    }
    options.clip_norm = privacy.clipping().norm();
    // Local noise is all that hides an update that no mask does.
    if (privacy.noise() == v1::PrivacyPlan::LOCAL && !options.secure) {
      options.charged = round::Charged::kAttempts;
    }
  }
  if (plan.has_asynchronous()) {
    FillAsynchronous(plan.asynchronous(), options);
  }
  if (plan.has_hierarchy()) FillTier(plan, tier, options);
  return options;
}

}  // namespace

absl::StatusOr<round::Options> ToOptions(const v1::Plan& plan,
                                         std::uint32_t tier) {
  const auto tiers =
      static_cast<std::uint32_t>(plan.hierarchy().fan_out_size());
  if (tier > tiers) {
    return absl::InvalidArgumentError(
        absl::StrCat("hierarchy.fan_out: has aggregators in ", tiers,
                     " tiers, and tier ", tier, " is asked for"));
  }
  const round::Options options = OptionsOf(plan, tier);
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  for (std::uint32_t below = tier + 1; below <= tiers; ++below) {
    const absl::Status status = OptionsOf(plan, below).Validate();
    if (status.ok()) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "for the aggregators of tier ", below, ": ", status.message()));
  }
  return options;
}

}  // namespace tributary::checkpoint
