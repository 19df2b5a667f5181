// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/axis.h"

#include <rapidcheck.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

std::vector<std::string> Texts(const Axis& axis) {
  std::vector<std::string> texts;
  for (const double tick : axis.Ticks()) texts.push_back(axis.TickText(tick));
  return texts;
}

using Strings = std::vector<std::string>;

// The example of Heckbert's article: 105 to 543 with about five ticks.
TEST_CASE("105 to 543 is labelled from 100 to 600 in steps of 100") {
  CHECK(Texts(MakeAxis(105, 543, Quantity::kNumber, 4)) ==
        Strings{"100", "200", "300", "400", "500", "600"});
}

TEST_CASE("ticks are round in the axis's unit") {
  CHECK(
      Texts(MakeAxis(0.853, 0.962, Quantity::kNumber, 5)) ==
      Strings{"0.84", "0.86", "0.88", "0.90", "0.92", "0.94", "0.96", "0.98"});
  const Axis minutes = MakeAxis(0, 600, Quantity::kSeconds, 5);
  CHECK(minutes.unit.name == "min");
  CHECK(Texts(minutes) == Strings{"0", "2", "4", "6", "8", "10"});
  CHECK(minutes.high == 600);
  const Axis sizes = MakeAxis(0, 3 * 1024 * 1024, Quantity::kBytes, 3);
  CHECK(sizes.unit.name == "MiB");
  CHECK(Texts(sizes) == Strings{"0", "1", "2", "3"});
}

TEST_CASE("counts have whole ticks") {
  CHECK(Texts(MakeAxis(0, 2, Quantity::kCount, 8)) == Strings{"0", "1", "2"});
  CHECK(Texts(MakeAxis(0, 4000, Quantity::kCount, 4)) ==
        Strings{"0", "1,000", "2,000", "3,000", "4,000"});
}

TEST_CASE("a single value stands within its axis") {
  for (const double value : {0.0, 1.0, -3.5, 1e-9, 12345.0}) {
    const Axis axis = MakeAxis(value, value, Quantity::kNumber, 5);
    INFO(value);
    CHECK(axis.low <= value);
    CHECK(axis.high >= value);
    CHECK(axis.high > axis.low);
  }
}

TEST_CASE("an axis covers its values with nice steps, whatever they are") {
  CHECK(rc::check("cover and niceness", [] {
    const double scale = std::pow(10, *rc::gen::inRange(-8, 12));
    const double a = *rc::gen::inRange(-100000, 100000) * scale;
    const double b = *rc::gen::inRange(-100000, 100000) * scale;
    const int steps = *rc::gen::inRange(2, 12);
    const auto quantity =
        *rc::gen::element(Quantity::kNumber, Quantity::kSeconds,
                          Quantity::kBytes, Quantity::kJoules);
    const Axis axis = MakeAxis(a, b, quantity, steps);
    const double slack = axis.step * 1e-6;
    RC_ASSERT(axis.low <= std::min(a, b) + slack);
    RC_ASSERT(axis.high >= std::max(a, b) - slack);
    RC_ASSERT(axis.Ticks().size() >= 2u);
    RC_ASSERT(axis.Ticks().size() <= static_cast<std::size_t>(2 * steps + 3));
    const double step = axis.step / axis.unit.size;
    const double mantissa =
        step / std::pow(10, std::floor(std::log10(step) + 1e-9));
    RC_ASSERT(std::abs(mantissa - std::round(mantissa)) < 1e-6);
    const long nice = std::lround(mantissa);
    RC_ASSERT(nice == 1 || nice == 2 || nice == 5);
  }));
}

}  // namespace
}  // namespace tributary::simulation
