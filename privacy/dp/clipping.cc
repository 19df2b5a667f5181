// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/clipping.h"

#include <cmath>
#include <numeric>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tributary::dp {
namespace {

// Rounding to float adds at most 2^-24 of a coordinate.
constexpr double kFloatRoom = 1 - 0x1p-23;

// In double: the square of no float overflows or vanishes there.
double SquaredNorm(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) {
    sum += static_cast<double>(value) * static_cast<double>(value);
  }
  return sum;
}

absl::Status Check(std::span<const float> values, double norm) {
  if (!(norm >= kLeastClip && norm <= kLargestClip)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a clip norm lies between ", kLeastClip, " and ",
                     kLargestClip, ", not ", norm));
  }
  if (std::isfinite(SquaredNorm(values))) return absl::OkStatus();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      return absl::InvalidArgumentError(
          absl::StrCat("coordinate ", i, " of the update is not finite"));
    }
  }
  return absl::InvalidArgumentError("the update's norm is not finite");
}

Clipped ClipChecked(std::span<float> values, double norm) {
  const double size = std::sqrt(SquaredNorm(values));
  if (size <= norm) return Clipped::kWithin;
  const double factor = kFloatRoom * norm / size;
  for (float& value : values) {
    value = static_cast<float>(static_cast<double>(value) * factor);
  }
  return Clipped::kScaled;
}

}  // namespace

absl::StatusOr<Clipped> ClipFlat(std::span<float> values, double norm) {
  if (auto status = Check(values, norm); !status.ok()) return status;
  return ClipChecked(values, norm);
}

absl::StatusOr<Clipped> ClipPerLayer(std::span<float> values,
                                     std::span<const std::size_t> sizes,
                                     double norm) {
  if (auto status = Check(values, norm); !status.ok()) return status;
  const std::size_t total =
      std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
  if (total != values.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tensors of ", total, " values in an update of ", values.size()));
  }
  const double share = norm / std::sqrt(static_cast<double>(sizes.size()));
  Clipped clipped = Clipped::kWithin;
  std::size_t first = 0;
  for (const std::size_t size : sizes) {
    if (ClipChecked(values.subspan(first, size), share) == Clipped::kScaled) {
      clipped = Clipped::kScaled;
    }
    first += size;
  }
  return clipped;
}

}  // namespace tributary::dp
