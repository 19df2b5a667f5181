// SPDX-License-Identifier: Apache-2.0
#include "aggregation/magnitude.h"

#include <cmath>
#include <limits>
#include <vector>

#include "tests/catch.h"

namespace tributary::aggregation {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST_CASE("the largest magnitude knows no sign") {
  CHECK(LargestMagnitude({}) == 0);
  CHECK(LargestMagnitude(std::vector<float>{-0.0f}) == 0);
  CHECK(LargestMagnitude(std::vector<float>{1, -3, 2}) == 3);
  CHECK(LargestMagnitude(std::vector<float>{1e-45f, 0}) == 1e-45f);
}

// At every place of more values than any vector has.
TEST_CASE("one value that is no number shows") {
  for (const float odd : {kInfinity, -kInfinity, kNaN, -kNaN}) {
    for (std::size_t at = 0; at < 67; ++at) {
      std::vector<float> values(67, std::numeric_limits<float>::max());
      values[at] = odd;
      CHECK_FALSE(std::isfinite(LargestMagnitude(values)));
    }
  }
}

}  // namespace
}  // namespace tributary::aggregation
