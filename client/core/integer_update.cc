// SPDX-License-Identifier: Apache-2.0
#include "client/core/integer_update.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregation/integer_update.h"
#include "aggregation/magnitude.h"
#include "client/core/bounds.h"
#include "client/core/strategy.h"
#include "client/core/update_words.h"
#include "privacy/dp/clipping.h"
#include "privacy/dp/integer_noise.h"
#include "privacy/secagg/packing.h"
#include "proto/codec/integers.h"

namespace tributary {
namespace {

using aggregation::IntegerFormat;
using aggregation::IntegerScalars;
using Scalars = IntegerFormat::Scalars;

absl::StatusOr<dp::Clipped> Clip(const v1::IntegerUpdate& integers,
                                 const Manifest& manifest,
                                 std::span<float> update) {
  if (!integers.per_layer()) {
    return dp::ClipFlat(update, integers.clip_norm());
  }
  std::vector<std::size_t> sizes;
  for (const TensorSpec& tensor : manifest.tensors()) {
    sizes.push_back(tensor.Size());
  }
  return dp::ClipPerLayer(update, sizes, integers.clip_norm());
}

// The same noise on all of them; none if the task asks for none.
absl::Status AddNoise(v1::IntegerUpdate::Noise noise, double variance,
                      std::span<std::int64_t> words, RandomSource& random) {
  switch (noise) {
    case v1::IntegerUpdate::NOISE_UNSPECIFIED:
      return absl::OkStatus();
    case v1::IntegerUpdate::SKELLAM:
      return dp::AddSkellamNoise(variance, words, random);
    case v1::IntegerUpdate::DISCRETE_GAUSSIAN:
      return dp::AddDiscreteGaussianNoise(variance, words, random);
    default:
      return absl::InvalidArgumentError(
          "integers.noise: noise that this client does not know");
  }
}

// Clips, rounds within the norm's bound, adds the client's noise.
absl::StatusOr<std::vector<std::int64_t>> PrivateWords(
    const v1::IntegerUpdate& integers, const IntegerFormat& format,
    std::span<const float> clipped, dp::Clipped outcome, RandomSource& random) {
  // Less could not be kept by rounding, and would say nothing of the norm.
  const double least = integers.clip_norm() / format.layout.parameters.step();
  if (!(integers.norm_bound() >= least)) {
    return absl::InvalidArgumentError(
        absl::StrCat("integers.norm_bound: ", integers.norm_bound(),
                     " is below the clip norm's ", least, " grid points"));
  }
  IntegerScalars scalars;
  scalars.is_within_clip_norm = outcome == dp::Clipped::kWithin;
  std::vector<std::int64_t> words = aggregation::ToIntegersWithin(
      format, clipped, scalars, integers.norm_bound(),
      [&random] { return random.Word(); });
  const std::span<std::int64_t> all(words);
  const std::size_t length = format.layout.length;
  absl::Status added = AddNoise(integers.noise(), integers.noise_variance(),
                                all.first(length), random);
  if (added.ok() && format.scalars == Scalars::kClipWord) {
    added = AddNoise(integers.noise(), integers.clip_word_variance(),
                     all.subspan(length), random);
  }
  if (!added.ok()) return added;
  return words;
}

std::shared_ptr<const UpdateBytes> Packed(std::span<const std::int64_t> words,
                                          int word_bits) {
  std::vector<std::uint64_t> residues(words.begin(), words.end());
  std::vector<std::byte> bytes(secagg::PackedSize(words.size(), word_bits));
  secagg::Pack(std::span<const std::uint64_t>(residues), word_bits, bytes);
  return std::make_shared<const UpdateBytes>(std::move(bytes));
}

v1::UpdateHeader HeaderOf(const v1::Task& task, const IntegerFormat& format) {
  v1::UpdateHeader header;
  header.set_task_token(task.task_token());
  header.set_encoding(v1::UpdatePlan::PACKED);
  header.set_size(secagg::PackedSize(format.Words(), format.word_bits));
  // What is this client's alone is a word of the update, or not sent.
  header.set_weight(1);
  header.set_base_model(task.model());
  return header;
}

absl::StatusOr<IntegerFormat> FormatOf(const v1::Task& task,
                                       const Manifest& manifest) {
  return codec::ToIntegerFormat(task.integers(), task.update(), manifest,
                                task.strategy());
}

}  // namespace

absl::Status CheckIntegers(const v1::Task& task, const Manifest& manifest) {
  const auto format = FormatOf(task, manifest);
  if (!format.ok()) return format.status();
  if (!task.has_secure()) return absl::OkStatus();
  const auto terms = codec::TermsOf(task);
  if (!terms.ok()) return terms.status();
  if (terms->length != format->Words()) {
    return absl::InvalidArgumentError(
        absl::StrCat("secure.length: ", terms->length,
                     " words, where updates of this model "
                     "have ",
                     format->Words()));
  }
  if (terms->word_bits != format->word_bits) {
    return absl::InvalidArgumentError(
        absl::StrCat("secure.word_bits: ", terms->word_bits,
                     ", where integers.word_bits is ", format->word_bits));
  }
  const std::int64_t largest = codec::LargestWord(task.integers(), *format);
  if (largest > terms->LargestInput()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "secure.max_cohort: a sum of ", terms->max_cohort, " words of ",
        terms->word_bits, " bits takes words up to ", terms->LargestInput(),
        ", those of an update may be ", largest));
  }
  return absl::OkStatus();
}

absl::StatusOr<PreparedUpdate> PrepareIntegers(
    const v1::Task& task, const Manifest& manifest, const TrainResult& result,
    std::vector<float> update, const ClientState& state, RandomSource& random) {
  if (absl::Status status = CheckResult(result); !status.ok()) return status;
  const v1::IntegerUpdate& integers = task.integers();
  const auto format = FormatOf(task, manifest);
  if (!format.ok()) return format.status();
  if (update.size() != format->layout.length) {
    return absl::InvalidArgumentError(
        absl::StrCat("an update of ", update.size(), " floats where ",
                     format->layout.length, " are expected"));
  }

  if (!std::isfinite(aggregation::LargestMagnitude(update))) {
    return NotFinite(manifest, 0, update);
  }

  std::optional<dp::Clipped> clipped;
  if (integers.has_clip_norm()) {
    const auto outcome = Clip(integers, manifest, update);
    if (!outcome.ok()) return outcome.status();
    clipped = *outcome;
  }
  Clamped clamped;
  ClampAll(update, 0, BoundsOf(aggregation::Encoding::kFloat32, format->layout),
           clamped);
  PreparedUpdate prepared;
  prepared.saturated =
      clipped == dp::Clipped::kScaled ? update.size() : clamped.saturated;
  if (clipped == dp::Clipped::kScaled) {
    prepared.clip_norm = integers.clip_norm();
  }
  std::vector<std::int64_t> words;
  if (clipped) {
    auto noisy = PrivateWords(integers, *format, update, *clipped, random);
    if (!noisy.ok()) return noisy.status();
    words = *std::move(noisy);
  } else {
    words = aggregation::ToIntegers(
        *format, update,
        {.weight = static_cast<std::uint32_t>(std::min<std::uint64_t>(
             result.examples, task.update().max_weight())),
         .train_loss = result.loss});
  }
  prepared.state.control = NextControl(task, manifest, update, state.control);
  prepared.header = HeaderOf(task, *format);
  if (task.has_secure()) {
    prepared.words = std::make_shared<const UpdateWords>(std::move(words));
  } else {
    prepared.bytes = Packed(words, format->word_bits);
  }
  return prepared;
}

}  // namespace tributary
