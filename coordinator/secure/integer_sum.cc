// SPDX-License-Identifier: Apache-2.0
#include "coordinator/secure/integer_sum.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "privacy/dp/integer_noise.h"

namespace tributary::coordinator {
namespace {

// Noise beyond so many standard deviations is drawn once in 2^180.
constexpr double kNoiseTail = 16;

// Variances were checked when the round was made.
void AddNoise(double variance, std::span<std::int64_t> values,
              RandomSource& random) {
  if (variance == 0 || values.empty()) return;
  if (!dp::AddDiscreteGaussianNoise(variance, values, random).ok()) {
    std::abort();
  }
}

}  // namespace

IntegerSum::IntegerSum(const IntegerRound& round, secagg::MaskedSum words,
                       std::uint64_t contributions, secagg::StreamCipher cipher,
                       std::vector<secagg::Mask> masks)
    : round_(round),
      words_(std::move(words)),
      contributions_(contributions),
      cipher_(cipher),
      masks_(std::move(masks)),
      values_(words_.length()) {
  if (words_.length() != round_.format.Words() || contributions == 0) {
    std::abort();
  }
}

void IntegerSum::Finish(std::size_t range, RandomSource& random) {
  const std::size_t first = range * kRange;
  const std::size_t count = std::min(kRange, values_.size() - first);
  if (!masks_.empty()) words_.Apply(cipher_, masks_, first, count);
  for (std::size_t i = first; i < first + count; ++i) values_[i] = words_.At(i);
  const std::span<std::int64_t> values =
      std::span(values_).subspan(first, count);
  const std::size_t length = round_.format.layout.length;
  const std::size_t coordinates =
      first < length ? std::min(count, length - first) : 0;
  Finish(values.first(coordinates),
         round_.privacy ? round_.privacy->noise_variance : 0, random);
  Finish(values.subspan(coordinates),
         round_.privacy ? round_.privacy->clip_word_variance : 0, random);
}

// Noise first: an attempt that is abandoned is seen, and a client that adds to
// a word what it likes could ask of the sum without noise how large it is.
void IntegerSum::Finish(std::span<std::int64_t> values, double variance,
                        RandomSource& random) {
  AddNoise(variance, values, random);
  // Within 2^62: the modulus holds the sum of as many.
  const std::int64_t most =
      round_.largest_word * static_cast<std::int64_t>(contributions_) +
      static_cast<std::int64_t>(std::ceil(kNoiseTail * std::sqrt(variance)));
  impossible_ += static_cast<std::size_t>(std::ranges::count_if(
      values, [most](std::int64_t value) { return std::abs(value) > most; }));
}

absl::Status IntegerSum::CheckTotals(
    const aggregation::IntegerTotals& totals) const {
  constexpr const char* kSomebody =
      ": somebody sent more than it may, and nothing of the sum can be trusted";
  if (impossible_ > 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        impossible_.load(), " of ", words_.length(), " words are beyond what ",
        contributions_, " updates add up to", kSomebody));
  }
  if (!totals.weight) return absl::OkStatus();
  const auto least = static_cast<std::int64_t>(contributions_);
  const std::int64_t most =
      least * round_.format.layout.parameters.max_weight();
  if (*totals.weight >= least && *totals.weight <= most) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the weights of ", contributions_, " updates add up to ",
                   *totals.weight, kSomebody));
}

absl::StatusOr<FinishedSum> IntegerSum::Conclude() && {
  aggregation::IntegerTotals totals =
      aggregation::ReadTotals(round_.format, std::move(values_));
  if (absl::Status status = CheckTotals(totals); !status.ok()) return status;
  const auto& privacy = round_.privacy;
  FinishedSum finished{.sum = aggregation::ExactSum(
                           round_.format.layout, std::move(totals.coordinates),
                           privacy ? privacy->denominator
                                   : static_cast<std::uint64_t>(*totals.weight),
                           contributions_),
                       .aggregates = std::nullopt,
                       .next_clip_norm = std::nullopt};
  if (totals.weight) {
    finished.aggregates = round::Aggregates{
        .examples = static_cast<std::uint64_t>(*totals.weight),
        .train_loss = totals.train_loss};
  }
  if (privacy && privacy->adaptive) {
    const double within =
        dp::ShareWithin(static_cast<double>(*totals.clip_words),
                        static_cast<double>(privacy->denominator));
    finished.next_clip_norm =
        dp::NextClip(*privacy->adaptive, privacy->clip_norm, within);
  }
  return finished;
}

}  // namespace tributary::coordinator
