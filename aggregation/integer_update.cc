// SPDX-License-Identifier: Apache-2.0
#include "aggregation/integer_update.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "aggregation/invariant.h"
#include "aggregation/layout_parts.h"

namespace tributary::aggregation {
namespace {

using Scalars = IntegerFormat::Scalars;

// Calls visit(coordinate, x / step) for each of them.
template <typename Visit>
void ForEachPoint(const Layout& layout, std::span<const float> values,
                  Visit visit) {
  TRIBUTARY_INVARIANT(values.size(), ==, layout.length);
  ForEachPart(layout, 0, values.size(),
              [&](const Grid& grid, std::size_t first, std::size_t count) {
                const double inverse_step = 1 / grid.step();
                for (std::size_t i = first; i < first + count; ++i) {
                  visit(i, static_cast<double>(values[i]) * inverse_step);
                }
              });
}

void AppendScalars(const IntegerFormat& format, const IntegerScalars& scalars,
                   std::vector<std::int64_t>& words) {
  switch (format.scalars) {
    case Scalars::kNone:
      return;
    case Scalars::kExamplesAndLoss: {
      const auto most = static_cast<double>(kMaxLossPoints);
      const double points = std::clamp(
          std::nearbyint(scalars.train_loss / kLossStep), -most, most);
      words.push_back(scalars.weight);
      words.push_back(static_cast<std::int64_t>(points) * scalars.weight);
      return;
    }
    case Scalars::kClipWord:
      words.push_back(scalars.is_within_clip_norm ? 1 : -1);
      return;
  }
}

}  // namespace

std::size_t IntegerFormat::Words() const {
  switch (scalars) {
    case Scalars::kNone:
      return layout.length;
    case Scalars::kExamplesAndLoss:
      return layout.length + 2;
    case Scalars::kClipWord:
      return layout.length + 1;
  }
  return layout.length;
}

std::int64_t IntegerFormat::LargestWord() const {
  int bits = std::max(layout.parameters.bits(), layout.buffers.bits());
  if (layout.auxiliary) bits = std::max(bits, layout.auxiliary->bits());
  std::int64_t points = std::int64_t{1} << bits;
  if (scalars == Scalars::kExamplesAndLoss) {
    points = std::max(points, kMaxLossPoints);
  }
  return points * layout.parameters.max_weight();
}

std::vector<std::int64_t> ToIntegers(const IntegerFormat& format,
                                     std::span<const float> values,
                                     const IntegerScalars& scalars) {
  std::vector<std::int64_t> words(values.size());
  words.reserve(format.Words());
  const std::int64_t weight = scalars.weight;
  ForEachPoint(format.layout, values, [&](std::size_t i, double point) {
    words[i] = weight * static_cast<std::int64_t>(std::nearbyint(point));
  });
  AppendScalars(format, scalars, words);
  return words;
}

std::vector<std::int64_t> ToIntegersWithin(const IntegerFormat& format,
                                           std::span<const float> values,
                                           const IntegerScalars& scalars,
                                           double norm_bound,
                                           const Words& words) {
  constexpr int kTries = 64;
  TRIBUTARY_INVARIANT(scalars.weight, ==, 1u);
  std::vector<std::int64_t> rounded(values.size());
  rounded.reserve(format.Words());
  for (int i = 0; i < kTries; ++i) {
    ForEachPoint(format.layout, values, [&](std::size_t at, double point) {
      const double below = std::floor(point);
      const double up = static_cast<double>(words() >> 11) * 0x1p-53;
      rounded[at] =
          static_cast<std::int64_t>(below) + (up < point - below ? 1 : 0);
    });
    if (IsWithin(SquaredNorm(rounded), norm_bound)) {
      AppendScalars(format, scalars, rounded);
      return rounded;
    }
  }
  ForEachPoint(format.layout, values, [&](std::size_t at, double point) {
    rounded[at] = static_cast<std::int64_t>(std::trunc(point));
  });
  AppendScalars(format, scalars, rounded);
  return rounded;
}

WideInteger SquaredNorm(std::span<const std::int64_t> integers) {
  WideInteger squared = 0;
  for (const std::int64_t integer : integers) {
    const auto magnitude = static_cast<std::uint64_t>(std::abs(integer));
    squared += WideInteger{magnitude} * magnitude;
  }
  return squared;
}

bool IsWithin(WideInteger squared, double bound) {
  return static_cast<double>(squared) <= bound * bound;
}

IntegerTotals ReadTotals(const IntegerFormat& format,
                         std::vector<std::int64_t> sum) {
  TRIBUTARY_INVARIANT(sum.size(), ==, format.Words());
  IntegerTotals totals;
  const std::size_t length = format.layout.length;
  switch (format.scalars) {
    case Scalars::kNone:
      break;
    case Scalars::kExamplesAndLoss:
      totals.weight = sum[length];
      if (sum[length] > 0) {
        totals.train_loss = static_cast<double>(sum[length + 1]) /
                            static_cast<double>(sum[length]) * kLossStep;
      }
      break;
    case Scalars::kClipWord:
      totals.clip_words = sum[length];
      break;
  }
  sum.resize(length);
  totals.coordinates = std::move(sum);
  return totals;
}

}  // namespace tributary::aggregation
