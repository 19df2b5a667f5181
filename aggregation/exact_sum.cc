// SPDX-License-Identifier: Apache-2.0
#include "aggregation/exact_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "aggregation/invariant.h"
#include "aggregation/layout_parts.h"
#include "aggregation/magnitude.h"
#include "aggregation/vector_clones.h"

namespace tributary::aggregation {
namespace {

// Adding 1.5 * 2^52 to |y| < 2^51 leaves round(y), ties to even, in the low
// bits of the sum, so that the conversion vectorises where llrint does not.
constexpr double kRounder = 0x1.8p52;
constexpr std::int64_t kRounderBits = std::bit_cast<std::int64_t>(kRounder);

// Every product here is exact: inverse_step is a power of two, and the grid
// keeps |round(x / step)| * weight at or below 2^42. So the bits are those of
// integer arithmetic on every machine and at every vector width.
TRIBUTARY_VECTOR_CLONES
void AddScaled(const float* __restrict values, std::size_t count,
               double inverse_step, double weight,
               std::int64_t* __restrict sums) {
  for (std::size_t i = 0; i < count; ++i) {
    const double point =
        (static_cast<double>(values[i]) * inverse_step + kRounder) - kRounder;
    sums[i] +=
        std::bit_cast<std::int64_t>(point * weight + kRounder) - kRounderBits;
  }
}

// The same where every point fits into 32 bits and 1 / step is a float: half
// the conversions, and integers from the start. x / step is exact, or too small
// to be anything but zero.
TRIBUTARY_VECTOR_CLONES
void AddSmallPoints(const float* __restrict values, std::size_t count,
                    float inverse_step, std::int64_t weight,
                    std::int64_t* __restrict sums) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto point =
        static_cast<std::int32_t>(std::rint(values[i] * inverse_step));
    sums[i] += point * weight;
  }
}

bool HasSmallPoints(const Grid& grid) {
  return grid.bits() <= 30 &&
         1 / grid.step() <= std::numeric_limits<float>::max();
}

TRIBUTARY_VECTOR_CLONES
void Add(const std::int64_t* __restrict from, std::size_t count,
         std::int64_t* __restrict to) {
  for (std::size_t i = 0; i < count; ++i) to[i] += from[i];
}

// Each operation stands alone and is rounded once, at any width.
TRIBUTARY_VECTOR_CLONES
void Divide(const std::int64_t* __restrict sums, std::size_t count,
            double weight, double step, float* __restrict means) {
  for (std::size_t i = 0; i < count; ++i) {
    means[i] = static_cast<float>(static_cast<double>(sums[i]) / weight * step);
  }
}

}  // namespace

ExactSum::ExactSum(const Layout& layout)
    : layout_(layout), sums_(layout.length, 0) {
  TRIBUTARY_INVARIANT(layout.auxiliary_length, <=, layout.length);
  TRIBUTARY_INVARIANT(layout.trainable, <=, layout.model());
  TRIBUTARY_INVARIANT(layout.auxiliary.has_value(), ==,
                      layout.auxiliary_length > 0);
}

ExactSum::ExactSum(const Layout& layout, std::vector<std::int64_t> sums,
                   std::uint64_t weight, std::uint64_t contributions)
    : layout_(layout),
      sums_(std::move(sums)),
      weight_(weight),
      contributions_(contributions) {
  TRIBUTARY_INVARIANT(sums_.size(), ==, layout.length);
  TRIBUTARY_INVARIANT(weight, >, std::uint64_t{0});
  TRIBUTARY_INVARIANT(contributions, >, std::uint64_t{0});
}

void ExactSum::AddBlock(std::size_t offset, std::span<const float> values,
                        std::uint32_t weight) {
  AddWeighted(offset, values, std::int64_t{weight});
}

void ExactSum::SubtractBlock(std::size_t offset, std::span<const float> values,
                             std::uint32_t weight) {
  AddWeighted(offset, values, -std::int64_t{weight});
}

void ExactSum::AddWeighted(std::size_t offset, std::span<const float> values,
                           std::int64_t weight) {
  ForEachPart(layout_, offset, values.size(),
              [&](const Grid& grid, std::size_t first, std::size_t count) {
                TRIBUTARY_INVARIANT(std::abs(weight), <=, grid.max_weight());
                const float* from = values.data() + first;
                std::int64_t* to = sums_.data() + offset + first;
                if (HasSmallPoints(grid)) {
                  AddSmallPoints(from, count,
                                 static_cast<float>(1 / grid.step()), weight,
                                 to);
                } else {
                  AddScaled(from, count, 1 / grid.step(),
                            static_cast<double>(weight), to);
                }
              });
}

void ExactSum::AddContribution(std::uint32_t weight) {
  AddContributions(weight, 1);
}

void ExactSum::AddSums(std::size_t offset, std::span<const std::int64_t> sums) {
  TRIBUTARY_INVARIANT(offset, <=, sums_.size());
  TRIBUTARY_INVARIANT(sums.size(), <=, sums_.size() - offset);
  Add(sums.data(), sums.size(), sums_.data() + offset);
}

void ExactSum::AddContributions(std::uint64_t weight,
                                std::uint64_t contributions) {
  TRIBUTARY_INVARIANT(weight, >=, contributions);
  TRIBUTARY_INVARIANT(contributions, >, std::uint64_t{0});
  weight_ += weight;
  contributions_ += contributions;
  TRIBUTARY_INVARIANT(contributions_, <=,
                      std::uint64_t{1} << kMaxContributionBits);
}

void ExactSum::DivideBy(std::uint64_t divisor) {
  TRIBUTARY_INVARIANT(divisor, >, std::uint64_t{0});
  weight_ = divisor;
}

void ExactSum::Merge(const ExactSum& other) {
  TRIBUTARY_INVARIANT(sums_.size(), ==, other.sums_.size());
  TRIBUTARY_INVARIANT(layout_.trainable, ==, other.layout_.trainable);
  TRIBUTARY_INVARIANT(layout_.parameters.step(), ==,
                      other.layout_.parameters.step());
  TRIBUTARY_INVARIANT(layout_.buffers.step(), ==, other.layout_.buffers.step());
  TRIBUTARY_INVARIANT(layout_.auxiliary_length, ==,
                      other.layout_.auxiliary_length);
  if (layout_.auxiliary) {
    TRIBUTARY_INVARIANT(layout_.auxiliary->step(), ==,
                        other.layout_.auxiliary->step());
  }
  AddSums(0, other.sums_);
  weight_ += other.weight_;
  contributions_ += other.contributions_;
  TRIBUTARY_INVARIANT(contributions_, <=,
                      std::uint64_t{1} << kMaxContributionBits);
}

void ExactSum::MeanBlock(std::size_t offset, std::span<float> out) const {
  TRIBUTARY_INVARIANT(contributions_, >, std::uint64_t{0});
  const auto weight = static_cast<double>(weight_);
  ForEachPart(layout_, offset, out.size(),
              [&](const Grid& grid, std::size_t first, std::size_t count) {
                Divide(sums_.data() + offset + first, count, weight,
                       grid.step(), out.data() + first);
              });
}

BlockDefect CheckBlock(const Layout& layout, std::size_t offset,
                       std::span<const float> values) {
  BlockDefect defect = BlockDefect::kNone;
  ForEachPart(layout, offset, values.size(),
              [&](const Grid& grid, std::size_t first, std::size_t count) {
                const float largest =
                    LargestMagnitude(values.subspan(first, count));
                if (!std::isfinite(largest)) {
                  defect = BlockDefect::kNotFinite;
                } else if (largest > grid.LargestValue() &&
                           defect == BlockDefect::kNone) {
                  defect = BlockDefect::kOverBound;
                }
              });
  return defect;
}

}  // namespace tributary::aggregation
