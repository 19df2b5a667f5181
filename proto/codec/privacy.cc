// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/privacy.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "privacy/dp/adaptive_clip.h"
#include "privacy/dp/integer_noise.h"
#include "proto/codec/integers.h"
#include "proto/codec/privacy_terms.h"
#include "proto/codec/round_noise.h"

namespace tributary::codec {
namespace {

// Releases beyond stop.rounds that a budget may pay for: a round is charged
// again if a crash took the release that it was charged for.
constexpr std::int64_t kMostLostReleases = 100;

// A little over what the accountants take, for the discrete Gaussian is
// accounted with a little less noise than it has.
constexpr double kLeastNoise = 0.101;
// Below it discrete noise is not accounted as Gaussian (mechanism.h).
constexpr double kLeastGaussianVariance = 8192 * (1 + 1e-9);

template <typename... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// The plan's, or the tightest that covers its mechanism.
absl::StatusOr<dp::Accountant> AccountantOf(const v1::Plan& plan,
                                            const dp::Mechanism& mechanism) {
  const auto asked = ToAccountant(plan.privacy().accountant());
  if (!asked) {
    const dp::Charge charge{mechanism, 1};
    return dp::TightestFor({&charge, 1});
  }
  if (auto status = dp::Covers(*asked, mechanism); !status.ok()) return status;
  return *asked;
}

// Step and clip norm keep their proportion but for a factor of 2: the coarsest
// grid, relative to the norm, is just above a power of 2.
double DearestClipNorm(const v1::Plan& plan) {
  const auto& clipping = plan.privacy().clipping();
  if (!clipping.has_adaptive()) return clipping.norm();
  return std::exp2(std::floor(std::log2(clipping.norm()))) * (1 + 0x1p-20);
}

// On a power of 2 the grid is finest, and noise takes the most points.
double FinestClipNorm(const v1::Plan& plan) {
  const auto& clipping = plan.privacy().clipping();
  if (!clipping.has_adaptive()) return clipping.norm();
  return std::exp2(std::ceil(std::log2(clipping.norm())));
}

// The noise multipliers between which there is such noise, whatever the clip
// norm becomes.
absl::StatusOr<dp::NoiseLimits> LimitsOf(const v1::Plan& plan,
                                         const Manifest& manifest) {
  v1::Plan probe = plan;
  // Little enough for every grid; the norm does not depend on it.
  probe.mutable_privacy()->set_noise_multiplier(kLeastNoise);
  const auto coarse = ToIntegerUpdate(probe, manifest, DearestClipNorm(plan));
  if (!coarse.ok()) return coarse.status();
  const auto fine = ToIntegerUpdate(probe, manifest, FinestClipNorm(plan));
  if (!fine.ok()) return fine.status();
  const bool is_distributed =
      plan.privacy().noise() == v1::PrivacyPlan::DISTRIBUTED;
  dp::NoiseLimits limits{.least = kLeastNoise};
  if (!is_distributed) {
    limits.least = std::max(
        limits.least, std::sqrt(kLeastGaussianVariance) / coarse->norm_bound());
  }
  const double largest = is_distributed
                             ? dp::kLargestSkellamVariance * CertainShares(plan)
                             : dp::kLargestGaussianVariance;
  limits.most = std::min(limits.most,
                         std::sqrt(largest) / fine->norm_bound() * (1 - 1e-9));
  if (plan.privacy().clipping().has_adaptive()) {
    const double count = dp::ClipWordDeviation(
        plan.privacy().clipping().adaptive().count_noise());
    // z at which z_delta reaches that.
    limits.most =
        1 / std::sqrt(1 / (limits.most * limits.most) + 1 / (count * count));
  }
  if (limits.least < limits.most) return limits;
  return Wrong("update.bits: ", plan.update().bits(),
               " leave no noise between too coarse and too large");
}

absl::Status Calibrate(v1::Plan& plan, const Manifest& manifest) {
  const double clip_norm = DearestClipNorm(plan);
  const auto limits = LimitsOf(plan, manifest);
  if (!limits.ok()) return limits.status();
  v1::Plan trial = plan;
  const auto mechanism_at = [&](double noise) {
    trial.mutable_privacy()->set_noise_multiplier(noise);
    return ToMechanism(trial, manifest, clip_norm);
  };
  const auto mechanism = mechanism_at(limits->most);
  if (!mechanism.ok()) return mechanism.status();
  const auto accountant = AccountantOf(plan, *mechanism);
  if (!accountant.ok()) return accountant.status();
  const auto noise = dp::CalibrateNoise(
      *accountant, mechanism_at, plan.stop().rounds(),
      {plan.privacy().epsilon(), plan.privacy().delta()}, *limits);
  if (absl::IsOutOfRange(noise.status())) {
    return Wrong(
        "privacy.epsilon: ", noise.status().message(), " over stop.rounds ",
        plan.stop().rounds(), "; take fewer rounds, a larger epsilon",
        plan.privacy().clipping().has_adaptive() ? ", more count_noise" : "",
        " or fewer update.bits");
  }
  if (!noise.ok()) return noise.status();
  plan.mutable_privacy()->set_noise_multiplier(*noise);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<dp::Mechanism> ToMechanism(const v1::Plan& plan,
                                          const Manifest& manifest,
                                          double clip_norm) {
  const v1::PrivacyPlan& privacy = plan.privacy();
  const auto integers = ToIntegerUpdate(plan, manifest, clip_norm);
  if (!integers.ok()) return integers.status();
  const auto noise = NoiseOf(plan, integers->norm_bound());
  if (!noise.ok()) return noise.status();
  const auto sampling = ToSampling(privacy.sampling());
  dp::Mechanism mechanism{
      .noise = ToNoise(privacy.noise()),
      .sampling = sampling,
      .rate = sampling == dp::Sampling::kNone
                  ? 1
                  : static_cast<double>(plan.round().cohort_size()) /
                        privacy.population(),
      .neighbours = ToNeighbours(privacy.neighbours()),
      .statistics = {}};
  const std::size_t length = manifest.ModelLength();
  const double l2 = integers->norm_bound();
  mechanism.statistics.push_back(
      {.name = "update",
       .words = static_cast<std::int64_t>(length),
       // On the grid |x| <= x^2.
       .l1 = l2 * std::min(std::sqrt(static_cast<double>(length)), l2),
       .l2 = l2,
       .variance = noise->update_variance});
  if (integers->clip_word()) {
    mechanism.statistics.push_back({.name = "clip_count",
                                    .words = 1,
                                    .l1 = 1,
                                    .l2 = 1,
                                    .variance = noise->clip_word_variance});
  }
  if (auto status = mechanism.Validate(); !status.ok()) {
    return Wrong("privacy: ", status.message());
  }
  return mechanism;
}

absl::StatusOr<dp::Mechanism> DearestMechanism(const v1::Plan& plan,
                                               const Manifest& manifest) {
  return ToMechanism(plan, manifest, DearestClipNorm(plan));
}

absl::StatusOr<dp::Spend> SpendOf(const v1::Plan& plan,
                                  const Manifest& manifest,
                                  std::int64_t rounds) {
  const auto mechanism = DearestMechanism(plan, manifest);
  if (!mechanism.ok()) return mechanism.status();
  const auto accountant = AccountantOf(plan, *mechanism);
  if (!accountant.ok()) return accountant.status();
  dp::Spend spend;
  spend.Add(*mechanism, rounds, plan.privacy().delta(), *accountant);
  return spend;
}

namespace {

// AffordableRounds, of `limit` at most.
absl::StatusOr<std::int64_t> MostRounds(const v1::Plan& plan,
                                        const Manifest& manifest,
                                        const dp::Spend& others,
                                        std::int64_t limit) {
  const v1::PrivacyPlan& privacy = plan.privacy();
  const auto one = SpendOf(plan, manifest, 1);
  if (!one.ok()) return one.status();
  const dp::Mechanism mechanism = one->charges().front().mechanism;
  std::int64_t rounds = limit;
  const auto limit_by = [&](const dp::Spend& earlier, double epsilon) {
    dp::Spend all = earlier;
    all.Add(*one);
    const auto accountant = all.CommonAccountant();
    if (!accountant.ok()) return accountant.status();
    const auto most = dp::MostRounds(*accountant, earlier.charges(), mechanism,
                                     rounds, {epsilon, privacy.delta()});
    if (most.ok()) rounds = *most;
    return most.status();
  };
  if (auto status = limit_by(dp::Spend(), privacy.epsilon()); !status.ok()) {
    return status;
  }
  if (rounds < 1) {
    return absl::FailedPreconditionError(absl::StrCat(
        "privacy.noise_multiplier: with ", privacy.noise_multiplier(),
        " a single round spends more than privacy.epsilon ", privacy.epsilon(),
        "; raise it, or leave it out"));
  }
  if (!privacy.has_population_epsilon()) return rounds;
  if (auto status = limit_by(others, privacy.population_epsilon());
      !status.ok()) {
    return status;
  }
  if (rounds < 1) {
    return absl::FailedPreconditionError(absl::StrCat(
        "privacy.population_epsilon: other runs of population ",
        plan.population(), " have spent or reserved ", others.rounds(),
        " rounds, beside which not one of this plan fits into ",
        privacy.population_epsilon()));
  }
  return rounds;
}

}  // namespace

absl::Status CompletePrivacy(v1::Plan& plan, const Manifest& manifest) {
  if (!plan.privacy().has_noise_multiplier()) {
    const absl::Status status = Calibrate(plan, manifest);
    if (absl::IsUnimplemented(status)) {
      return Wrong("privacy.noise, privacy.sampling, privacy.neighbours: ",
                   status.message());
    }
    if (!status.ok()) return status;
  }
  // A run must not end when its clip norm has grown.
  const auto finest = ToMechanism(plan, manifest, FinestClipNorm(plan));
  if (!finest.ok()) return finest.status();
  const auto rounds = MostRounds(plan, manifest, {}, plan.stop().rounds());
  if (absl::IsUnimplemented(rounds.status())) {
    return Wrong("privacy.noise, privacy.sampling, privacy.neighbours: ",
                 rounds.status().message());
  }
  if (absl::IsFailedPrecondition(rounds.status())) {
    return absl::InvalidArgumentError(rounds.status().message());
  }
  return rounds.status();
}

absl::StatusOr<std::int64_t> AffordableRounds(const v1::Plan& plan,
                                              const Manifest& manifest,
                                              const dp::Spend& others) {
  return MostRounds(plan, manifest, others,
                    plan.stop().rounds() + kMostLostReleases);
}

absl::StatusOr<dp::Debit> DebitOf(const v1::Plan& plan,
                                  const Manifest& manifest,
                                  const Release& release) {
  auto mechanism = ToMechanism(plan, manifest, release.clip_norm);
  if (!mechanism.ok()) return mechanism.status();
  const auto accountant = AccountantOf(plan, *mechanism);
  if (!accountant.ok()) return accountant.status();
  return dp::Debit{.population = plan.population(),
                   .run = release.run,
                   .round = release.round,
                   .attempt = release.attempt,
                   .mechanism = *std::move(mechanism),
                   .unit = dp::Unit::kClient,
                   .accountant = *accountant,
                   .delta = plan.privacy().delta(),
                   .clip_norm = release.clip_norm,
                   .contributors = release.contributors,
                   .plan = DigestOf(plan)};
}

Digest DigestOf(const v1::Plan& plan) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    plan.SerializeToCodedStream(&coded);
  }
  return Sha256(bytes);
}

}  // namespace tributary::codec
