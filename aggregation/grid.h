// SPDX-License-Identifier: Apache-2.0
// The integer grid on which updates are added. A coordinate x becomes the
// integer round(x / step), ties to even; sums of such integers are exact, so
// they are the same in every order.
//
// step is a power of two chosen from the plan alone (never from the cohort), so
// that a flat round, a tree and a simulation share it:
//
//   step = 2^(ceil(log2 max_abs) - bits)
//   bits = min(32, 62 - kMaxContributionBits - ceil(log2 max_weight)), or fewer
//          if the plan says so (update.bits)
//
// With 2^20 contributions of weight max_weight at the bound the sum is at most
// 2^62 in magnitude: nothing wraps. docs/aggregation.md has the error analysis.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"

namespace tributary::aggregation {

// Contributions one sum can hold: 2^20.
inline constexpr int kMaxContributionBits = 20;

struct GridOptions {
  // Largest |x| a coordinate may have: within the normal floats, > 0.
  double max_abs = 0;
  // Largest weight of one contribution; 1 .. 2^24.
  std::uint32_t max_weight = 0;
  // Bits of |round(x / step)|, at most as many as the sum has room for. 0: so
  // many.
  int bits = 0;

  absl::Status Validate() const;
};

class Grid {
 public:
  static absl::StatusOr<Grid> Make(const GridOptions& options);

  double max_abs() const { return max_abs_; }
  // The largest float that is not over max_abs. Clip to this one: max_abs
  // itself, rounded to a float, may be over the bound.
  float LargestValue() const;
  std::uint32_t max_weight() const { return max_weight_; }
  int bits() const { return bits_; }
  // Distance of neighbouring grid points; a power of two.
  double step() const { return step_; }

  friend bool operator==(const Grid&, const Grid&) = default;

 private:
  Grid() = default;
  double max_abs_ = 0;
  std::uint32_t max_weight_ = 0;
  int bits_ = 0;
  double step_ = 0;
};

// The grids of the parts of a flat vector: parameters in [0, trainable),
// buffers in [trainable, model()), and at the end what a strategy adds, such as
// a control variate or a declared scalar (docs/strategies.md).
struct Layout {
  std::size_t trainable = 0;
  std::size_t length = 0;
  Grid parameters;
  Grid buffers;
  // Has a value if auxiliary_length > 0.
  std::optional<Grid> auxiliary = std::nullopt;
  std::size_t auxiliary_length = 0;

  std::size_t model() const { return length - auxiliary_length; }
};

}  // namespace tributary::aggregation
