// SPDX-License-Identifier: Apache-2.0
#include "aggregation/exact_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "tests/aggregation/vectors.h"

#include "tests/catch.h"

namespace tributary::aggregation {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST_CASE("a sum holds weight times the nearest grid point, ties to even") {
  const Layout layout{2, 4, MakeGrid(1, 1 << 24), MakeGrid(8, 1 << 24)};
  const float step = 0x1p-18f;
  ExactSum sum(layout);
  // 1.5 and 2.5 steps both round to 2; buffers have a step of their own.
  sum.AddBlock(0, std::vector<float>{1.5f * step, -2.5f * step}, 3);
  sum.AddBlock(2, std::vector<float>{8, -1.25f * 8 * step}, 3);
  sum.AddContribution(3);
  CHECK(sum.sums()[0] == 3 * 2);
  CHECK(sum.sums()[1] == 3 * -2);
  CHECK(sum.sums()[2] == 3 * (1 << 18));
  CHECK(sum.sums()[3] == 3 * -1);
  CHECK(sum.weight() == 3);
  CHECK(sum.contributions() == 1);
}

TEST_CASE("the vectorised fold equals integer arithmetic one by one") {
  // Every length and alignment up to a few vectors, at every weight.
  KeyedStream random(KeyFromSeed(10));
  // Points of 32 and 30 bits, a step whose inverse is no float, points of 18.
  for (const auto& [max_abs, max_weight] :
       {std::pair{0.3f, 1u}, std::pair{0.3f, 3'000u},
        std::pair{0x1p-100f, 3'000u}, std::pair{0.3f, 1u << 24}}) {
    const Layout layout{300, 300, MakeGrid(max_abs, max_weight),
                        MakeGrid(1, max_weight)};
    ExactSum sum(layout);
    std::vector<std::int64_t> expected(300);
    for (int i = 0; i < 400; ++i) {
      const std::size_t first = random.Below(150);
      const auto values = UniformVector(random, random.Below(150), max_abs);
      const auto weight =
          static_cast<std::uint32_t>(1 + random.Below(max_weight));
      sum.AddBlock(first, values, weight);
      for (std::size_t j = 0; j < values.size(); ++j) {
        expected[first + j] +=
            std::int64_t{weight} *
            std::llrint(double{values[j]} / layout.parameters.step());
      }
    }
    CHECK(std::ranges::equal(sum.sums(), expected));
  }
}

TEST_CASE("a block across parameters and buffers uses the grid of each") {
  const Layout layout{3, 6, MakeGrid(1, 100), MakeGrid(50, 100)};
  const std::vector<float> values = {0.5f, -1, 0.25f, 50, -33.25f, 0};
  ExactSum sum(layout);
  sum.AddBlock(0, values, 7);
  sum.AddContribution(7);
  std::vector<float> mean(6);
  sum.MeanBlock(0, mean);
  CHECK(HasSameBits(mean, values));
}

TEST_CASE("2^20 contributions of the largest weight at the bound do not wrap") {
  const Layout layout{2, 2, MakeGrid(1, 1 << 24), MakeGrid(1, 1)};
  const std::vector<float> extremes = {1, -1};
  ExactSum sum(layout);
  for (int i = 0; i < 1 << 20; ++i) {
    sum.AddBlock(0, extremes, 1 << 24);
    sum.AddContribution(1 << 24);
  }
  CHECK(sum.sums()[0] == std::int64_t{1} << 62);
  CHECK(sum.sums()[1] == -(std::int64_t{1} << 62));
  CHECK(sum.weight() == std::uint64_t{1} << 44);
  std::vector<float> mean(2);
  sum.MeanBlock(0, mean);
  CHECK(HasSameBits(mean, extremes));
}

// Nguyen et al. 2022, FedBuff: the sum is divided by K, whatever its weights.
TEST_CASE("a sum of stale updates can be divided by what fresh ones weigh") {
  const Layout layout{1, 1, MakeGrid(1, 100), MakeGrid(1, 100)};
  ExactSum sum(layout);
  sum.AddBlock(0, std::vector<float>{0.5f}, 100);
  sum.AddContribution(100);
  sum.AddBlock(0, std::vector<float>{0.5f}, 50);
  sum.AddContribution(50);
  std::vector<float> mean(1);
  sum.MeanBlock(0, mean);
  CHECK(mean.front() == 0.5f);
  sum.DivideBy(200);
  sum.MeanBlock(0, mean);
  CHECK(mean.front() == 0.375f);
  CHECK(sum.contributions() == 2);
}

TEST_CASE("the mean is within half a step and half an ulp of the true mean") {
  // docs/aggregation.md, section 2. The 2^-20 covers the double arithmetic that
  // turns the integer sum into the mean.
  KeyedStream random(KeyFromSeed(11));
  for (const std::uint32_t max_weight : {1u, 1'000u, 1u << 24}) {
    const std::size_t length = 500;
    const Layout layout = MakeLayout(length, 0.7, max_weight);
    ExactSum sum(layout);
    std::vector<long double> weighted(length);
    long double weights = 0;
    for (int k = 0; k < 40; ++k) {
      const auto weight =
          static_cast<std::uint32_t>(1 + random.Below(max_weight));
      const std::vector<float> values = UniformVector(random, length, 0.7f);
      sum.AddBlock(0, values, weight);
      sum.AddContribution(weight);
      weights += weight;
      for (std::size_t i = 0; i < length; ++i) {
        weighted[i] += static_cast<long double>(weight) * values[i];
      }
    }
    std::vector<float> mean(length);
    sum.MeanBlock(0, mean);
    bool is_within = true;
    for (std::size_t i = 0; i < length; ++i) {
      const double step = i < layout.trainable ? layout.parameters.step()
                                               : layout.buffers.step();
      const float magnitude = std::fabs(mean[i]);
      const double ulp = std::nextafter(magnitude, kInfinity) - magnitude;
      const long double error = std::fabs(mean[i] - weighted[i] / weights);
      is_within &= error <= (step / 2 + ulp / 2) * (1 + 0x1p-20);
    }
    CHECK(is_within);
  }
}

TEST_CASE("a block is checked for NaN, infinities and its part's bound") {
  const Layout layout{40, 80, MakeGrid(0.1, 1), MakeGrid(1, 1)};
  const float largest = layout.parameters.LargestValue();
  const auto check = [&](std::size_t position, float value) {
    std::vector<float> values(80, 0.05f);
    values[position] = value;
    return CheckBlock(layout, 0, values);
  };
  for (const std::size_t position : {0u, 17u, 39u}) {
    CHECK(check(position, largest) == BlockDefect::kNone);
    CHECK(check(position, -largest) == BlockDefect::kNone);
    CHECK(check(position, -0.0f) == BlockDefect::kNone);
    CHECK(check(position, std::nextafter(largest, 1.0f)) ==
          BlockDefect::kOverBound);
    CHECK(check(position, -std::nextafter(largest, 1.0f)) ==
          BlockDefect::kOverBound);
  }
  CHECK(check(40, -1) == BlockDefect::kNone);
  CHECK(check(79, 1.001f) == BlockDefect::kOverBound);
  for (const std::size_t position : {0u, 39u, 40u, 79u}) {
    CHECK(check(position, kInfinity) == BlockDefect::kNotFinite);
    CHECK(check(position, -kInfinity) == BlockDefect::kNotFinite);
    CHECK(check(position, std::nanf("")) == BlockDefect::kNotFinite);
    CHECK(check(position, std::bit_cast<float>(0xff800001u)) ==
          BlockDefect::kNotFinite);
  }
  CHECK(CheckBlock(layout, 80, {}) == BlockDefect::kNone);
}

}  // namespace
}  // namespace tributary::aggregation
