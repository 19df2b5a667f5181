// SPDX-License-Identifier: Apache-2.0
// Bounds what one client can move: its update's L2 norm. Pure; any thread.
//
// The norm afterwards is at most the one asked for, as doubles add it up. What
// privacy rests on is the norm of the integers made from it, checked again
// there.
#pragma once

#include <cstddef>
#include <span>

#include "absl/status/statusor.h"

namespace tributary::dp {

// Norms of use: their squares, and a coordinate's share of one, are ordinary
// doubles and floats.
inline constexpr double kLeastClip = 1e-30;
inline constexpr double kLargestClip = 1e30;

enum class Clipped {
  kWithin,  // was within the norm and is as it was
  kScaled,
};

// Flat clipping (McMahan et al. 2018): x <- x min(1, norm / |x|).
// INVALID_ARGUMENT, and nothing changed, if a coordinate is not finite or the
// norm is not between the two above.
absl::StatusOr<Clipped> ClipFlat(std::span<float> values, double norm);

// Each tensor to norm / sqrt(number of tensors), so that all are within `norm`
// together. `sizes`: the tensors' lengths in order; their sum is that of
// `values`. kWithin if every tensor was. Errors as above.
absl::StatusOr<Clipped> ClipPerLayer(std::span<float> values,
                                     std::span<const std::size_t> sizes,
                                     double norm);

}  // namespace tributary::dp
