// SPDX-License-Identifier: Apache-2.0
#include "coordinator/round/staleness.h"

#include <rapidcheck.h>

#include <cmath>

#include "tests/catch.h"

namespace tributary::round {
namespace {

// Nguyen et al. 2022, section 5: s(t) = 1 / sqrt(1 + t).
TEST_CASE("an update three models old counts half of a fresh one") {
  CHECK(StalenessWeight(0, 0.5, 1000) == 1000);
  CHECK(StalenessWeight(1, 0.5, 1000) == 707);
  CHECK(StalenessWeight(3, 0.5, 1000) == 500);
  CHECK(StalenessWeight(99, 0.5, 1000) == 100);
}

TEST_CASE("without an exponent staleness says nothing") {
  CHECK(StalenessWeight(100, 0, 600) == 600);
}

TEST_CASE("whatever is taken counts something") {
  CHECK(StalenessWeight(10'000, 10, 1 << 24) == 1);
}

TEST_CASE("weights are s(t) to the nearest, and never grow with staleness") {
  CHECK(rc::check([] {
    const int staleness = *rc::gen::inRange(0, 10'000);
    const double exponent = *rc::gen::inRange(0, 1001) / 100.0;
    const auto whole = *rc::gen::inRange<std::uint32_t>(1, 1 << 24);
    const std::uint32_t weight = StalenessWeight(staleness, exponent, whole);
    const double exact = std::pow(1.0 + staleness, -exponent) * whole;
    RC_ASSERT(weight >= 1u);
    RC_ASSERT(weight <= whole);
    RC_ASSERT(weight == 1u || std::abs(weight - exact) <= 0.5);
    RC_ASSERT(StalenessWeight(staleness + 1, exponent, whole) <= weight);
  }));
}

}  // namespace
}  // namespace tributary::round
