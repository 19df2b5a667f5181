// SPDX-License-Identifier: Apache-2.0
#include "aggregation/narrow_sum.h"

#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "tests/aggregation/vectors.h"

#include "tests/catch.h"

namespace tributary::aggregation {
namespace {

float LargestOf(std::span<const float> values) {
  float largest = 0;
  for (const float value : values)
    largest = std::max(largest, std::fabs(value));
  return largest;
}

TEST_CASE("a narrow sum is the exact sum, bit by bit") {
  // From values so small that 32 bits hold hundreds of them to some that never
  // fit, in layouts with steps that are floats and one that is not.
  CHECK(rc::check("narrow is exact", [] {
    const double max_abs = *rc::gen::element(0.3, 8.0, 0x1p-100);
    const auto max_weight = *rc::gen::element(1u, 100u, 3'000u, 1u << 24);
    const float scale = *rc::gen::element(0x1p-30f, 0x1p-12f, 0x1p-6f, 1.0f);
    KeyedStream random(KeyFromSeed(*rc::gen::arbitrary<std::uint64_t>()));
    const std::size_t length = 1 + random.Below(200);
    const Layout layout = MakeLayout(length, max_abs, max_weight);
    ExactSum expected(layout);
    NarrowSum narrow(layout);
    for (int i = 0; i < 60; ++i) {
      const std::size_t first = random.Below(length);
      const auto values =
          UniformVector(random, random.Below(length - first + 1),
                        scale * layout.parameters.LargestValue());
      const auto weight =
          static_cast<std::uint32_t>(1 + random.Below(max_weight));
      expected.AddBlock(first, values, weight);
      narrow.AddBlock(first, values, LargestOf(values), weight);
      if (random.Below(8) == 0) {
        expected.SubtractBlock(first, values, weight);
        narrow.SubtractBlock(first, values, weight);
      }
    }
    const ExactSum sum = std::move(narrow).Take();
    RC_ASSERT(std::ranges::equal(sum.sums(), expected.sums()));
  }));
}

TEST_CASE("accumulators that fill up are emptied, upwards and downwards") {
  // bits = 32, so a step is 2^-32: 4,000 grid points at a time, weight 1,000.
  const Layout layout = MakeLayout(3, 1, 1'000);
  const auto value = static_cast<float>(4'000 * layout.parameters.step());
  const std::vector<float> values = {value, -value};
  NarrowSum narrow(layout);
  for (int i = 0; i < 10'000; ++i) narrow.AddBlock(0, values, value, 1'000);
  const ExactSum sum = std::move(narrow).Take();
  CHECK(sum.sums()[0] == 40'000'000'000);
  CHECK(sum.sums()[1] == -40'000'000'000);
}

TEST_CASE("subtracting a block undoes adding it") {
  const Layout layout = MakeLayout(9, 1, 100);
  KeyedStream random(KeyFromSeed(5));
  const auto kept = UniformVector(random, 9, 1);
  const auto undone = UniformVector(random, 9, 1);
  ExactSum sum(layout);
  sum.AddBlock(0, kept, 7);
  const std::vector<std::int64_t> before(sum.sums().begin(), sum.sums().end());
  sum.AddBlock(0, undone, 100);
  sum.SubtractBlock(0, undone, 100);
  CHECK(std::ranges::equal(sum.sums(), before));
}

}  // namespace
}  // namespace tributary::aggregation
