// SPDX-License-Identifier: Apache-2.0
// Sums over a strip: kStrip coordinates that begin at a multiple of it, or the
// last few. A sum over a vector is that of its strips, in order, and a strip is
// summed in kLanes lanes. So it has the same bits however the vector is cut
// into blocks, and whatever the width of the processor's vectors.
//
// Pure; any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "aggregation/robust/block.h"
#include "aggregation/robust/execution.h"

namespace tributary::robust {

inline constexpr std::size_t kStrip = 256;
inline constexpr std::size_t kLanes = 8;

// sum_i (a_i - b_i)^2, in double; both as long as each other.
double SquaredDistance(std::span<const float> a, std::span<const double> b);
// sum_i a_i b_i
double Product(std::span<const float> a, std::span<const double> b);
// SquaredDistance of `a` to each of four rows, which are as long.
std::array<double, 4> SquaredDistances(std::span<const float> a,
                                       const std::array<const float*, 4>& b);
// sums_i += weight values_i
void AddScaled(double weight, std::span<const float> values, double* sums);

// Calls visit(first, count) for each strip of a block, by tasks.
template <typename Visit>
void ForEachStrip(const Block& block, const ForEach& for_each, Visit visit) {
  for_each((block.columns() + kStrip - 1) / kStrip, [&](std::size_t strip) {
    const std::size_t first = strip * kStrip;
    visit(first, std::min(kStrip, block.columns() - first));
  });
}

// sums[row] += sum_strip(row, first, count) for each strip of each row, a task
// a row.
template <typename SumStrip>
void AddRowSums(const Block& block, const ForEach& for_each,
                std::span<double> sums, SumStrip sum_strip) {
  for_each(block.rows(), [&](std::size_t row) {
    for (std::size_t first = 0; first < block.columns(); first += kStrip) {
      sums[row] +=
          sum_strip(row, first, std::min(kStrip, block.columns() - first));
    }
  });
}

}  // namespace tributary::robust
