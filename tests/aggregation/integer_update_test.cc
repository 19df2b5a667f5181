// SPDX-License-Identifier: Apache-2.0
#include "aggregation/integer_update.h"

#include <cmath>
#include <cstdlib>
#include <numeric>

#include "aggregation/exact_sum.h"
#include "rapidcheck.h"
#include "tests/aggregation/vectors.h"
// Last.
#include "tests/catch.h"

namespace tributary::aggregation {
namespace {

using Scalars = IntegerFormat::Scalars;

Grid GridOf(double max_abs, std::uint32_t max_weight, int bits) {
  return Grid::Make(
             {.max_abs = max_abs, .max_weight = max_weight, .bits = bits})
      .value();
}

IntegerFormat FormatOf(std::size_t length, std::uint32_t max_weight,
                       Scalars scalars) {
  return {.layout = {.trainable = length - length / 3,
                     .length = length,
                     .parameters = GridOf(1, max_weight, 15),
                     .buffers = GridOf(10, max_weight, 15)},
          .scalars = scalars,
          .word_bits = 32};
}

TEST_CASE("a grid of given bits is as coarse as that, or refused") {
  CHECK(GridOf(1, 1, 15).step() == 0x1p-15);
  CHECK(GridOf(0.75, 1, 15).step() == 0x1p-15);
  CHECK(GridOf(0.5, 1000, 15).step() == 0x1p-16);
  CHECK(Grid::Make({.max_abs = 1, .max_weight = 1 << 24, .bits = 18}).ok());
  CHECK(Grid::Make({.max_abs = 1, .max_weight = 1 << 24, .bits = 19})
            .status()
            .message() ==
        "update.bits: 19 is not between 1 and 18, what update.max_weight "
        "leaves");
}

TEST_CASE("sums of integers give the bits of the exact sum of the floats") {
  CHECK(rc::check([] {
    const std::size_t length = *rc::gen::inRange<std::size_t>(1, 200);
    const auto max_weight = *rc::gen::inRange<std::uint32_t>(1, 1000);
    const int clients = *rc::gen::inRange(1, 20);
    const IntegerFormat format =
        FormatOf(length, max_weight, Scalars::kExamplesAndLoss);
    KeyedStream random(KeyFromSeed(*rc::gen::arbitrary<std::uint64_t>()));
    ExactSum exact(format.layout);
    std::vector<std::int64_t> sum(format.Words());
    std::uint64_t weights = 0;
    for (int i = 0; i < clients; ++i) {
      const auto weight =
          static_cast<std::uint32_t>(1 + random.Below(max_weight));
      const std::vector<float> update = UniformVector(random, length, 1.0f);
      exact.AddBlock(0, update, weight);
      exact.AddContribution(weight);
      weights += weight;
      const auto words = ToIntegers(format, update, {.weight = weight});
      RC_ASSERT(words.size() == format.Words());
      for (std::size_t k = 0; k < words.size(); ++k) {
        RC_ASSERT(std::abs(words[k]) <= format.LargestWord());
        sum[k] += words[k];
      }
    }
    const IntegerTotals totals = ReadTotals(format, std::move(sum));
    RC_ASSERT(totals.weight == static_cast<std::int64_t>(weights));
    const ExactSum integers(format.layout, totals.coordinates, weights,
                            static_cast<std::uint64_t>(clients));
    std::vector<float> expected(length);
    std::vector<float> got(length);
    exact.MeanBlock(0, expected);
    integers.MeanBlock(0, got);
    RC_ASSERT(HasSameBits(expected, got));
  }));
}

TEST_CASE("the loss of a sum is the mean over the examples") {
  const IntegerFormat format = FormatOf(1, 100, Scalars::kExamplesAndLoss);
  const std::vector<float> update = {0};
  auto sum = ToIntegers(format, update, {.weight = 30, .train_loss = 2});
  const auto other =
      ToIntegers(format, update, {.weight = 10, .train_loss = 0.5});
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += other[i];
  const IntegerTotals totals = ReadTotals(format, sum);
  CHECK(totals.weight == 40);
  CHECK(totals.train_loss == 1.625);
  // Beyond 2^7 a loss counts as that.
  CHECK(ToIntegers(format, update, {.weight = 2, .train_loss = 1e9}).back() ==
        2 * kMaxLossPoints);
}

TEST_CASE("the clip word says whether the delta was within") {
  const IntegerFormat format = FormatOf(1, 1, Scalars::kClipWord);
  const std::vector<float> update = {0};
  CHECK(ToIntegers(format, update, {.is_within_clip_norm = true}).back() == 1);
  CHECK(ToIntegers(format, update, {.is_within_clip_norm = false}).back() ==
        -1);
  CHECK(ReadTotals(format, {5, -3}).clip_words == -3);
  CHECK(FormatOf(7, 1, Scalars::kNone).Words() == 7);
}

TEST_CASE("rounding at random keeps the norm and moves by less than a point") {
  CHECK(rc::check([] {
    const std::size_t length = *rc::gen::inRange<std::size_t>(1, 300);
    IntegerFormat format = FormatOf(length, 1, Scalars::kNone);
    KeyedStream random(KeyFromSeed(*rc::gen::arbitrary<std::uint64_t>()));
    const std::vector<float> update = UniformVector(random, length, 1.0f);
    std::vector<double> points;
    for (std::size_t i = 0; i < length; ++i) {
      points.push_back(update[i] / (i < format.layout.trainable
                                        ? format.layout.parameters.step()
                                        : format.layout.buffers.step()));
    }
    const double norm = std::sqrt(
        std::inner_product(points.begin(), points.end(), points.begin(), 0.0));
    // The least bound there may be: most tries are over it.
    const double bound = norm * (1 + 1e-12);
    const auto words = ToIntegersWithin(format, update, {}, bound,
                                        [&random] { return random.Word(); });
    RC_ASSERT(IsWithin(SquaredNorm(words), bound));
    for (std::size_t i = 0; i < length; ++i) {
      RC_ASSERT(std::fabs(static_cast<double>(words[i]) - points[i]) < 1);
    }
  }));
}

// 100,000 draws at each of five places between two points: a mean further than
// 5 standard deviations from it comes up once in 300,000 runs. That the draws
// of different coordinates are independent is not shown.
TEST_CASE("rounding at random is right in the mean") {
  constexpr int kDraws = 100'000;
  const IntegerFormat format = FormatOf(1, 1, Scalars::kNone);
  KeyedStream random(KeyFromSeed(11));
  for (const double share : {-0.9, -0.25, 0.1, 0.5, 0.75}) {
    const std::vector<float> update = {
        static_cast<float>(share * format.layout.parameters.step())};
    std::int64_t total = 0;
    for (int i = 0; i < kDraws; ++i) {
      total += ToIntegersWithin(format, update, {}, 1e9,
                                [&random] { return random.Word(); })[0];
    }
    const double part = std::fabs(share);
    const double deviation = std::sqrt(part * (1 - part) / kDraws);
    CHECK(std::fabs(static_cast<double>(total) / kDraws - share) <
          5 * deviation);
  }
}

TEST_CASE("a norm is exact where squares leave 64 bits") {
  const std::vector<std::int64_t> integers = {std::int64_t{1} << 40, -3};
  CHECK(SquaredNorm(integers) == (WideInteger{1} << 80) + 9);
  CHECK(IsWithin(25, 5.0));
  CHECK_FALSE(IsWithin(26, 5.0));
}

}  // namespace
}  // namespace tributary::aggregation
