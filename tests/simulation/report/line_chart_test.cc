// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/line_chart.h"

#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/simulation/report/drawing.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

LineChart Accuracy() {
  return {.title = "accuracy",
          .x_label = "round",
          .y_label = "accuracy",
          .curves = {{"a", {{1, 0.5}, {2, 0.75}, {4, 1}}},
                     {"b", {{1, 0.25}, {4, 0.5}}}}};
}

std::size_t Count(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST_CASE("a drawn curve reads back as its numbers") {
  const std::string svg = DrawLineChart(Accuracy());
  const auto a = CurveOf(svg, "a");
  REQUIRE(a.size() == 3);
  CHECK(a[1].x == Approx(2).margin(0.01));
  CHECK(a[1].y == Approx(0.75).margin(0.001));
  const auto b = CurveOf(svg, "b");
  REQUIRE(b.size() == 2);
  CHECK(b[1].y == Approx(0.5).margin(0.001));
}

TEST_CASE("every drawn point lies in the plot, whatever the numbers") {
  CHECK(rc::check("points within the area", [] {
    const auto values = *rc::gen::nonEmpty(
        rc::gen::container<std::vector<int>>(rc::gen::inRange(-1000, 1000)));
    const double scale = std::pow(10, *rc::gen::inRange(-9, 9));
    Curve curve{"c", {}};
    for (std::size_t i = 0; i < values.size(); ++i) {
      curve.points.push_back({static_cast<double>(i), values[i] * scale});
    }
    const std::string svg = DrawLineChart(
        {.title = "t", .x_label = "x", .y_label = "y", .curves = {curve}});
    const auto area = NumbersIn(AttributeOf(svg, "data-area"));
    RC_ASSERT(area.size() == 4u);
    const auto path = PathOf(svg, "c");
    RC_ASSERT(!path.empty());
    for (const Point& point : path) {
      RC_ASSERT(point.x >= area[0] - 0.02 && point.x <= area[2] + 0.02);
      RC_ASSERT(point.y >= area[1] - 0.02 && point.y <= area[3] + 0.02);
    }
  }));
}

TEST_CASE("one curve needs no key, several have one each") {
  LineChart chart = Accuracy();
  CHECK(Count(DrawLineChart(chart), ">a</text>") == 1);
  CHECK(Count(DrawLineChart(chart), ">b</text>") == 1);
  chart.curves.pop_back();
  CHECK(Count(DrawLineChart(chart), ">a</text>") == 0);
}

TEST_CASE("names are text, not markup") {
  LineChart chart = Accuracy();
  chart.title = "<b>&\"";
  chart.curves[0].name = "</svg><script>";
  const std::string svg = DrawLineChart(chart);
  CHECK(Count(svg, "<script") == 0);
  CHECK(Count(svg, "</svg>") == 1);
  CHECK(AttributeOf(svg, "data-chart") == "&lt;b&gt;&amp;&quot;");
}

TEST_CASE("what is no number is not drawn") {
  LineChart chart = Accuracy();
  const double infinity = std::numeric_limits<double>::infinity();
  chart.curves[0].points[1].y = std::nan("");
  chart.curves[1].points = {{1, infinity}, {-infinity, 1}};
  const std::string svg = DrawLineChart(chart);
  CHECK(PathOf(svg, "a").size() == 2);
  CHECK(PathOf(svg, "b").empty());
  CHECK(Count(svg, "nan") + Count(svg, "inf") == 0);
  chart.curves.erase(chart.curves.begin());
  CHECK(DrawLineChart(chart) == "");
  CHECK(DrawLineChart({}) == "");
}

TEST_CASE("amounts are drawn from zero, and the target is in sight") {
  LineChart chart = Accuracy();
  chart.base = LineChart::Base::kZero;
  chart.target = 3;
  const std::string svg = DrawLineChart(chart);
  const auto ends = NumbersIn(AttributeOf(svg, "data-y"));
  CHECK(ends.at(0) == 0);
  CHECK(ends.at(1) >= 3);
  CHECK(Count(svg, ">target 3</text>") == 1);
}

TEST_CASE("few points are all kept, many keep their outline") {
  std::vector<Point> points;
  for (int i = 0; i < 100000; ++i) {
    points.push_back({static_cast<double>(i), std::sin(i * 0.01)});
  }
  points[54321].y = 7;
  points[12345].y = -7;
  const auto thin = ThinPoints(points, 200);
  CHECK(thin.size() <= 800);
  CHECK(thin.size() > 200);
  CHECK(thin.front() == points.front());
  CHECK(thin.back() == points.back());
  CHECK(std::ranges::count(thin, points[54321]) == 1);
  CHECK(std::ranges::count(thin, points[12345]) == 1);
  CHECK(std::ranges::is_sorted(thin, {}, &Point::x));
  points.resize(800);
  CHECK(ThinPoints(points, 200) == points);
}

}  // namespace
}  // namespace tributary::simulation
