// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/strip.h"

#include "aggregation/invariant.h"
#include "aggregation/vector_clones.h"

namespace tributary::robust {
namespace {

double SumOfLanes(const double* s) {
  static_assert(kLanes == 8);
  return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
}

// What is left of a strip after its last whole row of lanes.
template <typename Other>
void AddLastSquares(const float* a, const Other* b, std::size_t first,
                    std::size_t count, double* lanes) {
  for (std::size_t i = first; i < count; ++i) {
    const double d = static_cast<double>(a[i]) - b[i];
    lanes[i - first] += d * d;
  }
}

// Lanes in arrays around the inner loop are what GCC keeps in vectors.
TRIBUTARY_VECTOR_CLONES
double SumSquares(const float* __restrict a, const double* __restrict b,
                  std::size_t count) {
  double lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const double d = a[i + l] - b[i + l];
      lanes[l] += d * d;
    }
  }
  AddLastSquares(a, b, i, count, lanes);
  return SumOfLanes(lanes);
}

TRIBUTARY_VECTOR_CLONES
double SumProducts(const float* __restrict a, const double* __restrict b,
                   std::size_t count) {
  double lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) lanes[l] += a[i + l] * b[i + l];
  }
  for (std::size_t l = 0; i + l < count; ++l) lanes[l] += a[i + l] * b[i + l];
  return SumOfLanes(lanes);
}

// Four at a time: `a` is converted once, and no sum waits for another.
TRIBUTARY_VECTOR_CLONES
void SumSquaresOfFour(const float* __restrict a, const float* __restrict b0,
                      const float* __restrict b1, const float* __restrict b2,
                      const float* __restrict b3, std::size_t count,
                      double* __restrict sums) {
  double s0[kLanes] = {};
  double s1[kLanes] = {};
  double s2[kLanes] = {};
  double s3[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const double x = a[i + l];
      const double d0 = x - b0[i + l];
      const double d1 = x - b1[i + l];
      const double d2 = x - b2[i + l];
      const double d3 = x - b3[i + l];
      s0[l] += d0 * d0;
      s1[l] += d1 * d1;
      s2[l] += d2 * d2;
      s3[l] += d3 * d3;
    }
  }
  AddLastSquares(a, b0, i, count, s0);
  AddLastSquares(a, b1, i, count, s1);
  AddLastSquares(a, b2, i, count, s2);
  AddLastSquares(a, b3, i, count, s3);
  sums[0] = SumOfLanes(s0);
  sums[1] = SumOfLanes(s1);
  sums[2] = SumOfLanes(s2);
  sums[3] = SumOfLanes(s3);
}

TRIBUTARY_VECTOR_CLONES
void AddProducts(double weight, const float* __restrict values,
                 std::size_t count, double* __restrict sums) {
  for (std::size_t i = 0; i < count; ++i) sums[i] += weight * values[i];
}

}  // namespace

double SquaredDistance(std::span<const float> a, std::span<const double> b) {
  TRIBUTARY_INVARIANT(a.size(), ==, b.size());
  return SumSquares(a.data(), b.data(), a.size());
}

double Product(std::span<const float> a, std::span<const double> b) {
  TRIBUTARY_INVARIANT(a.size(), ==, b.size());
  return SumProducts(a.data(), b.data(), a.size());
}

std::array<double, 4> SquaredDistances(std::span<const float> a,
                                       const std::array<const float*, 4>& b) {
  std::array<double, 4> sums;
  SumSquaresOfFour(a.data(), b[0], b[1], b[2], b[3], a.size(), sums.data());
  return sums;
}

void AddScaled(double weight, std::span<const float> values, double* sums) {
  AddProducts(weight, values.data(), values.size(), sums);
}

}  // namespace tributary::robust
