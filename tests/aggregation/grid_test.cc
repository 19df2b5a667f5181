// SPDX-License-Identifier: Apache-2.0
#include "aggregation/grid.h"

#include <cmath>
#include <limits>
#include <string>

#include "tests/aggregation/vectors.h"

#include "tests/catch.h"

namespace tributary::aggregation {
namespace {

std::string ErrorOf(double max_abs, std::uint32_t max_weight) {
  return std::string(GridOptions{.max_abs = max_abs, .max_weight = max_weight}
                         .Validate()
                         .message());
}

TEST_CASE("the step is the power of two that the header's formula says") {
  CHECK(MakeGrid(1, 1).bits() == 32);
  CHECK(MakeGrid(1, 1).step() == 0x1p-32);
  CHECK(MakeGrid(1, 1024).bits() == 32);
  CHECK(MakeGrid(1, 1025).bits() == 31);
  CHECK(MakeGrid(1, 1 << 24).bits() == 18);
  CHECK(MakeGrid(0.1, 1).step() == 0x1p-35);
  CHECK(MakeGrid(0.125, 1).step() == 0x1p-35);
  CHECK(MakeGrid(0.126, 1).step() == 0x1p-34);
  CHECK(MakeGrid(1e9, 1 << 24).step() == 0x1p12);
}

TEST_CASE("the largest value is the last float that is not over the bound") {
  for (const double bound : {0.1, 0.3, 1.0, 5.0, 1e-30, 1e9}) {
    const float largest = MakeGrid(bound, 1).LargestValue();
    CHECK(largest <= bound);
    CHECK(std::nextafter(largest, std::numeric_limits<float>::infinity()) >
          bound);
  }
}

TEST_CASE("a bound or weight that makes no grid is refused by its key") {
  CHECK(ErrorOf(0, 1).find("update.max_abs: 0 is not between") == 0);
  CHECK(ErrorOf(-1, 1).find("update.max_abs: -1") == 0);
  CHECK(ErrorOf(std::nan(""), 1).find("update.max_abs: nan") == 0);
  CHECK(ErrorOf(HUGE_VAL, 1).find("update.max_abs: inf") == 0);
  CHECK(ErrorOf(1e-300, 1).find("update.max_abs: 1e-300") == 0);
  CHECK(ErrorOf(1, 0) == "update.max_weight: 0 is not between 1 and 16777216");
  CHECK(ErrorOf(1, (1 << 24) + 1).find("update.max_weight: 16777217") == 0);
  CHECK(ErrorOf(1, 1 << 24).empty());
  CHECK_FALSE(Grid::Make({.max_abs = 0, .max_weight = 1}).ok());
}

}  // namespace
}  // namespace tributary::aggregation
