// SPDX-License-Identifier: Apache-2.0
#include "coordinator/checkpoint/plan_options.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "privacy/dp/poisson_draws.h"

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

}  // namespace

absl::StatusOr<round::Options> ToOptions(const v1::Plan& plan) {
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
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  return options;
}

}  // namespace tributary::checkpoint
