// SPDX-License-Identifier: Apache-2.0
#include "client/core/update.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "aggregation/encoding.h"
#include "aggregation/encoding_layout.h"
#include "privacy/crypto/random.h"
#include "proto/codec/plan.h"

namespace tributary {
namespace {

using aggregation::Encoding;

bool HasErrorFeedback(Encoding encoding) {
  return encoding == Encoding::kInt8 || encoding == Encoding::kTopK;
}

// The largest float that may be encoded so that what the coordinator decodes is
// at most max_abs.
float Bound(Encoding encoding, double max_abs) {
  float bound = static_cast<float>(max_abs);
  if (static_cast<double>(bound) > max_abs) bound = std::nextafter(bound, 0.0f);
  switch (encoding) {
    case Encoding::kBfloat16: {
      // Rounding to nearest is monotone: below a value of 8 binary digits it
      // never ends above it.
      int exponent = 0;
      const float digits = std::frexp(bound, &exponent);
      return std::ldexp(std::trunc(std::ldexp(digits, 8)), exponent - 8);
    }
    case Encoding::kInt8:
      // scale = bound / 127 and 127 * scale round once each.
      return bound * (1.0f - 0x1p-22f);
    case Encoding::kFloat32:
    case Encoding::kTopK:
      return bound;
  }
  return bound;
}

// Clamps in place; counts what was out of bound.
std::uint64_t Clamp(std::span<float> values, float bound) {
  std::uint64_t saturated = 0;
  for (float& value : values) {
    saturated += std::fabs(value) > bound;
    value = std::clamp(value, -bound, bound);
  }
  return saturated;
}

// Clamps parameters and buffers, each to its bound.
std::uint64_t ClampAll(std::span<float> values, Encoding encoding,
                       const aggregation::Layout& layout) {
  const float parameters = Bound(encoding, layout.parameters.max_abs());
  const float buffers = Bound(encoding, layout.buffers.max_abs());
  // An int8 block that holds both has one scale, so the smaller bound for all.
  std::size_t from = layout.trainable;
  std::size_t to = layout.trainable;
  if (encoding == Encoding::kInt8 && from % aggregation::kInt8Block != 0) {
    from -= from % aggregation::kInt8Block;
    to = std::min(layout.length, from + aggregation::kInt8Block);
    if (to <= layout.trainable) from = to = layout.trainable;
  }
  return Clamp(values.first(from), parameters) +
         Clamp(values.subspan(from, to - from), std::min(parameters, buffers)) +
         Clamp(values.subspan(to), buffers);
}

absl::Status NotFinite(const Manifest& manifest, std::size_t coordinate) {
  std::size_t offset = 0;
  for (const TensorSpec& tensor : manifest.tensors()) {
    if (coordinate < offset + tensor.Size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the delta of ", tensor.name, " is not finite at ",
                       coordinate - offset));
    }
    offset += tensor.Size();
  }
  return absl::InvalidArgumentError("the delta is not finite");
}

absl::Status CheckFinite(const Manifest& manifest,
                         std::span<const float> values) {
  // 0 * x is 0 for every finite x and NaN otherwise; the sum vectorises.
  float sum = 0;
  for (const float value : values) sum += 0.0f * value;
  if (sum == 0) return absl::OkStatus();
  const auto bad = std::find_if(values.begin(), values.end(), [](float value) {
    return !std::isfinite(value);
  });
  return NotFinite(manifest, static_cast<std::size_t>(bad - values.begin()));
}

absl::Status CheckResult(const TrainResult& result) {
  if (result.examples == 0) {
    return absl::InvalidArgumentError("trained on no examples");
  }
  if (!std::isfinite(result.loss)) {
    return absl::InvalidArgumentError("the training loss is not finite");
  }
  return absl::OkStatus();
}

absl::StatusOr<Key> SeedOf(const v1::Task& task) {
  Key seed;
  if (task.seed().size() != seed.size()) {
    return absl::InvalidArgumentError("the task's seed is not 32 bytes");
  }
  std::copy(task.seed().begin(), task.seed().end(), seed.begin());
  return seed;
}

// What is left of `values` when the coordinator has decoded `bytes`.
absl::Status SubtractDecoded(Encoding encoding,
                             std::span<const std::byte> bytes,
                             std::vector<float>& values) {
  aggregation::UpdateDecoder decoder(encoding, values.size());
  const absl::Status fed = decoder.Feed(
      bytes, [&values](std::size_t offset, std::span<const float> decoded) {
        for (std::size_t i = 0; i < decoded.size(); ++i) {
          values[offset + i] -= decoded[i];
        }
        return absl::OkStatus();
      });
  return fed.ok() ? decoder.Finish() : fed;
}

}  // namespace

absl::StatusOr<PreparedUpdate> PrepareUpdate(const v1::Task& task,
                                             const Manifest& manifest,
                                             const TrainResult& result,
                                             std::vector<float> delta,
                                             std::span<const float> residual) {
  if (absl::Status status = CheckResult(result); !status.ok()) return status;
  const absl::StatusOr<Key> seed = SeedOf(task);
  if (!seed.ok()) return seed.status();
  const aggregation::EncodingOptions encoding =
      codec::ToEncoding(task.update());
  if (absl::Status status = encoding.Validate(); !status.ok()) return status;
  const auto layout = codec::ToLayout(task.update(), manifest);
  if (!layout.ok()) return layout.status();
  if (delta.size() != manifest.Length() ||
      (!residual.empty() && residual.size() != delta.size())) {
    return absl::InvalidArgumentError(absl::StrCat("a delta of ", delta.size(),
                                                   " floats for a model of ",
                                                   manifest.Length()));
  }

  if (absl::Status status = CheckFinite(manifest, delta); !status.ok()) {
    return status;
  }
  const bool error_feedback = HasErrorFeedback(encoding.encoding);
  if (error_feedback && !residual.empty()) {
    for (std::size_t i = 0; i < delta.size(); ++i) delta[i] += residual[i];
  }
  PreparedUpdate prepared;
  prepared.saturated = ClampAll(delta, encoding.encoding, *layout);

  KeyedStream rounding(*seed, "rounding");
  auto bytes = std::make_shared<std::vector<std::byte>>(aggregation::Encode(
      encoding, delta, [&rounding] { return rounding.Word(); }));
  if (error_feedback) {
    if (absl::Status status = SubtractDecoded(encoding.encoding, *bytes, delta);
        !status.ok()) {
      return status;
    }
    prepared.residual = std::move(delta);
  }

  v1::UpdateHeader& header = prepared.header;
  header.set_task_token(task.task_token());
  header.set_encoding(task.update().encoding() ==
                              v1::UpdatePlan::ENCODING_UNSPECIFIED
                          ? v1::UpdatePlan::FLOAT32
                          : task.update().encoding());
  header.set_size(bytes->size());
  header.set_checksum(XXH3_64bits(bytes->data(), bytes->size()));
  header.set_weight(result.examples);
  header.set_base_model(task.model());
  header.set_train_loss(result.loss);
  prepared.bytes = std::move(bytes);
  return prepared;
}

}  // namespace tributary
