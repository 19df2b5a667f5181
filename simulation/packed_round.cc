// SPDX-License-Identifier: Apache-2.0
#include "simulation/packed_round.h"

#include <utility>
#include <vector>

#include "aggregation/invariant.h"
#include "coordinator/secure/packed_check.h"
#include "privacy/secagg/packing.h"
#include "proto/codec/integers.h"
#include "proto/codec/secagg.h"

namespace tributary::simulation {

bool IsMasked(const v1::Plan& plan) {
  return plan.has_secure_aggregation() && !plan.simulation().skip_masks();
}

secagg::Policy PolicyOf(const v1::Plan& plan) {
  secagg::Policy policy;
  const auto terms = codec::ToTerms(plan, 1, secagg::kMaxWordBits);
  if (!IsMasked(plan) || !terms.ok()) return policy;
  policy.min_cohort = terms->min_cohort;
  policy.min_survivors = terms->min_survivors;
  policy.min_corrupt_per_mille = terms->corrupt_per_mille;
  policy.adversary = terms->adversary;
  // The graph of a coordinator that is true to the protocol needs few holders.
  if (terms->adversary == secagg::Adversary::kSemiHonest) {
    policy.min_threshold_per_mille = 0;
  }
  return policy;
}

absl::StatusOr<PackedRound> PackedRound::Create(
    const v1::Plan& plan, const Manifest& manifest,
    const secagg::Authority& authority) {
  PackedRound round(plan, manifest, authority);
  std::optional<double> clip_norm;
  if (plan.has_privacy()) clip_norm = plan.privacy().clipping().norm();
  if (auto open = round.Open(clip_norm); !open.ok()) return open;
  return round;
}

absl::Status PackedRound::Open(std::optional<double> clip_norm) {
  Abandon();
  auto round =
      coordinator::MakeIntegerRound(plan_, manifest_, clip_norm.value_or(0));
  if (!round.ok()) return round.status();
  round_ = std::make_shared<const coordinator::IntegerRound>(*std::move(round));
  if (!IsMasked(plan_)) return absl::OkStatus();
  const auto terms =
      codec::ToTerms(plan_, round_->format.Words(), round_->format.word_bits);
  if (!terms.ok()) return terms.status();
  terms_ = codec::ToMessage(*terms);
  cipher_ = terms->cipher;
  return absl::OkStatus();
}

void PackedRound::Describe(coordinator::TaskFrame& frame) const {
  frame.integers = round_->update;
  frame.secure = terms_;
}

absl::Status PackedRound::Begin(const v1::Task& task) {
  if (!terms_ || session_) return absl::OkStatus();
  const auto terms = codec::TermsOf(task);
  if (!terms.ok()) return terms.status();
  auto session = coordinator::SecureSession::Make(*terms, *authority_);
  if (!session.ok()) return session.status();
  session_ = *std::move(session);
  return absl::OkStatus();
}

coordinator::SecureSession* PackedRound::session() {
  return session_ ? &*session_ : nullptr;
}

std::size_t PackedRound::update_bytes() const {
  return coordinator::PackedCheck::Size(*round_);
}

secagg::MaskedSum PackedRound::EmptySum() const {
  return secagg::MaskedSum(round_->format.Words(), round_->format.word_bits);
}

void PackedRound::Add(std::span<const std::byte> packed) {
  if (!words_) words_ = EmptySum();
  TRIBUTARY_INVARIANT(packed.size(), ==, update_bytes());
  words_->Add(0, words_->length(), packed);
}

void PackedRound::Abandon() {
  words_.reset();
  session_.reset();
}

// Residues add up as well as what they stand for.
absl::Status PackedRound::SumOverRanks(Ranks& ranks) {
  if (ranks.size() == 1) return absl::OkStatus();
  std::vector<std::int64_t> values(words_->length());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = words_->At(i);
  if (auto summed = ranks.Sum(values); !summed.ok()) return summed;
  const std::vector<std::uint64_t> words(values.begin(), values.end());
  std::vector<std::byte> packed(update_bytes());
  secagg::Pack(std::span<const std::uint64_t>(words), words_->bits(), packed);
  words_ = EmptySum();
  words_->Add(0, words_->length(), packed);
  return absl::OkStatus();
}

absl::StatusOr<coordinator::FinishedSum> PackedRound::Finish(
    std::uint64_t contributions, Ranks& ranks, RandomSource& noise) {
  if (!words_) words_ = EmptySum();
  if (auto summed = SumOverRanks(ranks); !summed.ok()) return summed;
  std::vector<secagg::Mask> masks;
  if (session_) masks = session_->TakeRecovery().AllMasks();
  coordinator::IntegerSum sum(*round_, *std::exchange(words_, std::nullopt),
                              contributions, cipher_, std::move(masks));
  for (std::size_t range = 0; range < sum.Ranges(); ++range) {
    sum.Finish(range, noise);
  }
  session_.reset();
  return std::move(sum).Conclude();
}

}  // namespace tributary::simulation
