// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/integers.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "privacy/dp/distributed_noise.h"
#include "privacy/secagg/modulus.h"
#include "privacy/secagg/packing.h"
#include "proto/codec/plan.h"
#include "proto/codec/privacy_rules.h"
#include "proto/codec/round_noise.h"
#include "proto/codec/secagg.h"

namespace tributary::codec {
namespace {

using Scalars = aggregation::IntegerFormat::Scalars;

// A share of noise beyond so many standard deviations comes up once in 2^180
// draws, in 2^70 at Skellam's least variance.
constexpr double kNoiseTail = 16;

std::uint32_t PerMille(double share) {
  return static_cast<std::uint32_t>(std::lround(share * 1000));
}

// At least `variance`, and even: what Skellam noise can have.
std::uint64_t EvenVariance(double variance) {
  return 2 * static_cast<std::uint64_t>(std::ceil(std::max(variance, 2.0) / 2));
}

absl::Status SetNoise(const v1::Plan& plan, v1::IntegerUpdate& out) {
  const auto noise = NoiseOf(plan, out.norm_bound());
  if (!noise.ok()) return noise.status();
  switch (plan.privacy().noise()) {
    case v1::PrivacyPlan::DISTRIBUTED:
      out.set_noise(v1::IntegerUpdate::SKELLAM);
      out.set_noise_variance(
          EvenVariance(noise->update_variance / noise->shares));
      if (noise->clip_word_variance > 0) {
        out.set_clip_word_variance(
            EvenVariance(noise->clip_word_variance / noise->shares));
      }
      break;
    case v1::PrivacyPlan::LOCAL:
      out.set_noise(v1::IntegerUpdate::DISCRETE_GAUSSIAN);
      out.set_noise_variance(
          static_cast<std::uint64_t>(std::ceil(noise->update_variance)));
      break;
    default:  // the coordinator's
      break;
  }
  return absl::OkStatus();
}

}  // namespace

std::uint32_t MaxCohort(const v1::Plan& plan) {
  if (plan.privacy().sampling() != v1::PrivacyPlan::POISSON) {
    return AskedClients(plan.round());
  }
  const double mean = plan.round().cohort_size();
  const double most = mean + 12 * std::sqrt(mean);
  return std::min(static_cast<std::uint32_t>(std::ceil(most)),
                  plan.privacy().population());
}

std::uint32_t CertainShares(const v1::Plan& plan) {
  const auto corrupt = static_cast<std::uint32_t>(
      std::ceil(plan.secure_aggregation().corrupt() * MaxCohort(plan)));
  const std::uint32_t least = plan.round().min_updates();
  return least - std::min(least, corrupt);
}

absl::StatusOr<v1::IntegerUpdate> ToIntegerUpdate(const v1::Plan& plan,
                                                  const Manifest& manifest,
                                                  double clip_norm) {
  v1::IntegerUpdate out;
  out.set_word_bits(secagg::kMaxWordBits);  // until it is known
  if (plan.has_privacy()) {
    out.set_clip_norm(clip_norm);
    out.set_per_layer(plan.privacy().clipping().per_layer());
    out.set_clip_word(plan.privacy().clipping().has_adaptive());
    const auto layout = ToLayout(plan.update(), manifest, {}, clip_norm);
    if (!layout.ok()) return layout.status();
    const double scale = 1 / layout->parameters.step();
    const dp::RoundedNorms norms = dp::NormsAfterRounding(
        {.clip = clip_norm,
         .scale = scale,
         .local_deviation = 1,
         .clients = 1,
         .dimension = static_cast<std::int64_t>(layout->length)});
    out.set_norm_bound(std::ceil(norms.l2 * scale));
    if (absl::Status status = SetNoise(plan, out); !status.ok()) {
      return status;
    }
  }
  const auto format =
      ToIntegerFormat(out, plan.update(), manifest, plan.strategy());
  if (!format.ok()) return format.status();
  const auto bits =
      secagg::WordBits(MaxCohort(plan), 1,
                       static_cast<std::uint64_t>(LargestWord(out, *format)));
  if (!bits.ok()) return bits.status();
  out.set_word_bits(static_cast<std::uint32_t>(*bits));
  return out;
}

std::int64_t LargestWord(const v1::IntegerUpdate& integers,
                         const aggregation::IntegerFormat& format) {
  const double deviation = std::sqrt(static_cast<double>(
      std::max(integers.noise_variance(), integers.clip_word_variance())));
  return format.LargestWord() +
         static_cast<std::int64_t>(std::ceil(kNoiseTail * deviation));
}

absl::StatusOr<aggregation::IntegerFormat> ToIntegerFormat(
    const v1::IntegerUpdate& integers, const v1::UpdatePlan& update,
    const Manifest& manifest, const v1::StrategyPlan& strategy) {
  if (update.encoding() != v1::UpdatePlan::PACKED || update.bits() < 2) {
    return absl::InvalidArgumentError(
        "update.encoding: integers are packed, of 2 bits and more");
  }
  if (integers.word_bits() < secagg::kMinWordBits ||
      integers.word_bits() > secagg::kMaxWordBits) {
    return absl::InvalidArgumentError(absl::StrCat(
        "integers.word_bits: ", integers.word_bits(), " is not in 8 .. 62"));
  }
  std::optional<double> clip_norm;
  if (integers.has_clip_norm()) clip_norm = integers.clip_norm();
  const auto layout = ToLayout(update, manifest, strategy, clip_norm);
  if (!layout.ok()) return layout.status();
  return aggregation::IntegerFormat{
      .layout = *layout,
      .scalars = integers.clip_word() ? Scalars::kClipWord
                 : clip_norm          ? Scalars::kNone
                                      : Scalars::kExamplesAndLoss,
      .word_bits = static_cast<int>(integers.word_bits())};
}

absl::StatusOr<secagg::Terms> ToTerms(const v1::Plan& plan, std::size_t words,
                                      int word_bits) {
  const v1::SecureAggregationPlan& secure = plan.secure_aggregation();
  secagg::Terms terms;
  terms.run = plan.name();
  terms.length = static_cast<std::uint32_t>(words);
  terms.word_bits = word_bits;
  terms.cipher = secure.cipher() == v1::SecureAggregationPlan::CHACHA20
                     ? secagg::StreamCipher::kChaCha20
                     : secagg::StreamCipher::kAes256Ctr;
  terms.min_cohort = secure.min_cohort();
  terms.min_survivors = std::max(2u, plan.round().min_updates());
  terms.max_cohort = MaxCohort(plan);
  terms.corrupt_per_mille = PerMille(secure.corrupt());
  terms.dropped_per_mille = PerMille(secure.dropped());
  terms.adversary = secure.adversary() == v1::SecureAggregationPlan::SEMI_HONEST
                        ? secagg::Adversary::kSemiHonest
                        : secagg::Adversary::kSemiMalicious;
  if (words > 0xffffffffu) {
    return absl::InvalidArgumentError(absl::StrCat(
        "secure_aggregation: a model of ", words, " floats is too large"));
  }
  absl::Status status = terms.Validate();
  for (const std::uint32_t clients : {terms.min_cohort, terms.max_cohort}) {
    if (status.ok()) {
      status = secagg::ChooseGraph(terms.RiskOf(clients)).status();
    }
  }
  if (status.ok()) return terms;
  return absl::InvalidArgumentError(
      absl::StrCat("secure_aggregation: ", std::string(status.message())));
}

absl::StatusOr<secagg::Terms> TermsOf(const v1::Task& task) {
  const auto model = Digest::FromBytes(task.model());
  if (!model.ok()) return model.status();
  secagg::Terms terms;
  terms.model = *model;
  terms.plan = PlanDigest(task);
  terms.run = task.run();
  terms.round = task.round();
  terms.attempt = task.attempt();
  if (auto status = ReadTerms(task.secure(), terms); !status.ok()) {
    return status;
  }
  return terms;
}

Digest PlanDigest(const v1::Task& task) {
  v1::Task given;
  given.set_archive(task.archive());
  *given.mutable_training() = task.training();
  *given.mutable_update() = task.update();
  *given.mutable_strategy() = task.strategy();
  *given.mutable_integers() = task.integers();
  *given.mutable_secure() = task.secure();
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    given.SerializeToCodedStream(&coded);
  }
  return Sha256(bytes);
}

}  // namespace tributary::codec
