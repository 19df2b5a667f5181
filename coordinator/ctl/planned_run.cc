// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/planned_run.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/codec/integers.h"
#include "proto/codec/privacy.h"
#include "proto/codec/privacy_rules.h"
#include "proto/codec/safetensors.h"
#include "proto/codec/yaml.h"

namespace tributary::ctl {
namespace {

absl::Status InPlan(const PlannedRunQuestion& question,
                    const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(question.plan, ": ", status.message()));
}

absl::StatusOr<Manifest> ManifestOf(const PlannedRunQuestion& question,
                                    const v1::Plan& plan) {
  if (question.parameters > 0) {
    return Manifest({{.name = "model", .shape = {question.parameters}}});
  }
  const std::string& weights =
      question.weights.empty() ? plan.model().weights() : question.weights;
  if (weights.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        question.plan,
        ": has no first weights, which say how large the model is: give them "
        "with --weights FILE, or its size with --parameters N"));
  }
  auto read = codec::ReadSafetensors(weights);
  if (!read.ok()) return read.status();
  return std::move(read->header.manifest);
}

absl::StatusOr<Spending> SpendingOf(const v1::Plan& plan,
                                    const dp::Spend& spend) {
  const auto spent = spend.At(spend.delta());
  if (!spent.ok()) return spent.status();
  const dp::Mechanism mechanism = spend.charges().front().mechanism;
  return Spending{.epsilon = spent->epsilon,
                  .delta = spent->delta,
                  .neighbours = mechanism.neighbours,
                  .noise = mechanism.noise,
                  .sampling = mechanism.sampling,
                  .accountant = spent->accountant,
                  .rounds = spend.rounds(),
                  .cohort = plan.round().cohort_size(),
                  .noise_multiplier = plan.privacy().noise_multiplier()};
}

absl::Status Describe(const dp::Mechanism& mechanism, const Manifest& manifest,
                      PlannedRun& planned) {
  for (const dp::Statistic& statistic : mechanism.statistics) {
    planned.noise_multipliers[statistic.name] = statistic.NoiseMultiplier();
  }
  const v1::Plan& plan = planned.plan;
  if (mechanism.noise != dp::Noise::kCentral) {
    PlannedRun::OwnNoise own;
    if (mechanism.noise == dp::Noise::kDistributed) {
      own.shares = codec::CertainShares(plan);
    }
    const dp::Statistic& update = mechanism.statistics.front();
    own.grid_points = std::sqrt(update.variance / own.shares);
    own.clip_norms = own.grid_points / update.l2;
    planned.own_noise = own;
  }
  const auto integers =
      codec::ToIntegerUpdate(plan, manifest, plan.privacy().clipping().norm());
  if (!integers.ok()) return integers.status();
  planned.word_bits = integers->word_bits();
  return absl::OkStatus();
}

absl::Status Complete(const Manifest& manifest, PlannedRun& planned) {
  v1::Plan& plan = planned.plan;
  absl::Status status = codec::CheckPrivateModel(plan, manifest);
  if (!status.ok()) return status;
  planned.is_calibrated = !plan.privacy().has_noise_multiplier();
  status = codec::CompletePrivacy(plan, manifest);
  if (!status.ok()) return status;
  const auto affordable = codec::AffordableRounds(plan, manifest, dp::Spend());
  if (!affordable.ok()) return affordable.status();
  const std::int64_t rounds =
      std::min<std::int64_t>(*affordable, plan.stop().rounds());
  const auto spend = codec::SpendOf(plan, manifest, rounds);
  if (!spend.ok()) return spend.status();
  const auto answer = SpendingOf(plan, *spend);
  if (!answer.ok()) return answer.status();
  planned.answer = *answer;
  const auto known =
      SpendOfKnownCohorts(spend->charges(), rounds, spend->delta());
  if (!known.ok()) return known.status();
  planned.known_cohorts = *known;
  for (const std::int64_t part : {10, 2}) {
    if (rounds / part == 0) continue;
    const auto part_of_it = codec::SpendOf(plan, manifest, rounds / part);
    if (!part_of_it.ok()) return part_of_it.status();
    const auto earlier = SpendingOf(plan, *part_of_it);
    if (!earlier.ok()) return earlier.status();
    planned.earlier_rounds.push_back(*earlier);
  }
  return Describe(spend->charges().front().mechanism, manifest, planned);
}

}  // namespace

absl::StatusOr<PlannedRun> PlanRun(const PlannedRunQuestion& question) {
  auto plan = codec::ReadPlan(question.plan, question.settings);
  if (!plan.ok()) return plan.status();
  if (!plan->has_privacy()) {
    return absl::FailedPreconditionError(absl::StrCat(
        question.plan,
        ": has no section `privacy`, so its runs have no epsilon"));
  }
  const auto manifest = ManifestOf(question, *plan);
  if (!manifest.ok()) return manifest.status();
  PlannedRun planned;
  planned.plan = *std::move(plan);
  if (absl::Status status = Complete(*manifest, planned); !status.ok()) {
    return InPlan(question, status);
  }
  return planned;
}

}  // namespace tributary::ctl
