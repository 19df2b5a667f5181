// SPDX-License-Identifier: Apache-2.0
#include "coordinator/robust/outliers.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using Rows = std::vector<std::size_t>;
const std::vector<double> kWeights = {0.5, 0.01, 0.48, 0.01};

TEST_CASE("who counts for less than a part of the mean weight is an outlier") {
  // The mean weight is a quarter.
  CHECK(OutliersOf({{}, robust::GeometricMedian{}}, kWeights, 0.1) ==
        Rows{1, 3});
  CHECK(OutliersOf({{}, robust::GeometricMedian{}}, kWeights, 0.01).empty());
  CHECK(OutliersOf({{}, robust::GeometricMedian{}}, kWeights, 0).empty());
}

TEST_CASE("clipped updates are held against each other, not against 1 / n") {
  const std::vector<double> clipped = {0.01, 0.01, 0.0001};
  CHECK(OutliersOf({{}, robust::CenteredClipping{}}, clipped, 0.1) == Rows{2});
}

TEST_CASE("rules that leave out honest updates tell nothing") {
  const robust::Krum one{.adversaries = 1, .selected = 1};
  const robust::Krum most{.adversaries = 1, .selected = 3};
  CHECK(OutliersOf({{}, one}, kWeights, 0.1).empty());
  CHECK(OutliersOf({{}, most}, kWeights, 0.1) == Rows{1, 3});
  CHECK(OutliersOf({{}, robust::Bulyan{}}, kWeights, 0.1).empty());
  CHECK(OutliersOf({{robust::Bucketing{}}, robust::GeometricMedian{}}, kWeights,
                   0.1)
            .empty());
  CHECK_FALSE(TellsOutliers({{}, robust::CoordinateMedian{}}, 4));
}

}  // namespace
}  // namespace tributary::coordinator
