// SPDX-License-Identifier: Apache-2.0
#include "aggregation/mixing.h"

#include <vector>

#include "tests/catch.h"

namespace tributary::aggregation {
namespace {

// Xie et al. 2019, algorithm 1: x <- (1 - a) x + a y.
TEST_CASE("a model moves by its share towards another") {
  std::vector<float> weights = {0, 4, -2};
  Mix(0.25, weights, std::vector<float>{8, 0, -2});
  CHECK(weights == std::vector<float>{2, 3, -2});
}

TEST_CASE("without a share a model stays, with all of it it is the other") {
  const std::vector<float> before = {0.1f, -3e30f, 1e-30f};
  const std::vector<float> other = {0.7f, 2e30f, 3e-30f};
  std::vector<float> weights = before;
  Mix(0, weights, other);
  CHECK(weights == before);
  Mix(1, weights, other);
  CHECK(weights == other);
}

}  // namespace
}  // namespace tributary::aggregation
