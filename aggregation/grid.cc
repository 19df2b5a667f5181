// SPDX-License-Identifier: Apache-2.0
#include "aggregation/grid.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tributary::aggregation {
namespace {

constexpr std::uint32_t kMostWeight = std::uint32_t{1} << 24;
// Beyond these a bound is no bound of a normal float.
constexpr double kSmallestBound = std::numeric_limits<float>::min();
constexpr double kLargestBound = std::numeric_limits<float>::max();

// Bits of a coordinate beside 2^20 contributions of this weight.
int RoomFor(std::uint32_t max_weight) {
  const int weight_bits = std::bit_width(max_weight - 1);
  return std::min(32, 62 - kMaxContributionBits - weight_bits);
}

int CeilLog2(double value) {
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);  // in [0.5, 1)
  return fraction == 0.5 ? exponent - 1 : exponent;
}

}  // namespace

absl::Status GridOptions::Validate() const {
  if (!(max_abs >= kSmallestBound && max_abs <= kLargestBound)) {
    return absl::InvalidArgumentError(
        absl::StrCat("update.max_abs: ", max_abs, " is not between ",
                     kSmallestBound, " and ", kLargestBound));
  }
  if (max_weight < 1 || max_weight > kMostWeight) {
    return absl::InvalidArgumentError(
        absl::StrCat("update.max_weight: ", max_weight,
                     " is not between 1 and ", kMostWeight));
  }
  const int room = RoomFor(max_weight);
  if (bits < 0 || bits > room) {
    return absl::InvalidArgumentError(
        absl::StrCat("update.bits: ", bits, " is not between 1 and ", room,
                     ", what update.max_weight leaves"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Grid> Grid::Make(const GridOptions& options) {
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  Grid grid;
  grid.max_abs_ = options.max_abs;
  grid.max_weight_ = options.max_weight;
  grid.bits_ = options.bits > 0 ? options.bits : RoomFor(options.max_weight);
  grid.step_ = std::ldexp(1.0, CeilLog2(options.max_abs) - grid.bits_);
  return grid;
}

float Grid::LargestValue() const {
  const auto nearest = static_cast<float>(max_abs_);
  return nearest <= max_abs_ ? nearest : std::nextafter(nearest, 0.0f);
}

}  // namespace tributary::aggregation
