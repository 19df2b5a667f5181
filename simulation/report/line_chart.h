// SPDX-License-Identifier: Apache-2.0
// Curves as one SVG element. It takes the colour of the text around it for
// everything but its curves, so that it suits light and dark pages and paper.
//
// For those who read the drawing instead of seeing it, the element carries
//
//   data-chart="accuracy"            the title
//   data-area="60 40 708 250"        left, top, right, bottom of the plot
//   data-x="0 25" data-y="0.5 1"     what these are in the curves' numbers
//
// and each curve is a <path class="curve" data-name="...">. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "simulation/report/quantity.h"

namespace tributary::simulation {

struct Point {
  double x = 0;
  double y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

struct Curve {
  std::string name;
  // In increasing order of x. What is not finite is left out.
  std::vector<Point> points;
};

struct LineChart {
  std::string title;
  std::string x_label;  // without its unit
  Quantity x_quantity = Quantity::kCount;
  std::string y_label;
  Quantity y_quantity = Quantity::kNumber;
  std::vector<Curve> curves;
  // A dashed line across, such as the accuracy to reach.
  std::optional<double> target = std::nullopt;
  // Where the y axis begins: at 0, for amounts, or near the lowest value.
  enum class Base { kZero, kLowest } base = Base::kLowest;
};

// Empty if no curve has a point.
std::string DrawLineChart(const LineChart& chart);

// At most about 4 points for each of `columns` stripes of x: the first, the
// lowest, the highest and the last one of the stripe, so that the drawing keeps
// its outline. Few points are returned as they are.
std::vector<Point> ThinPoints(const std::vector<Point>& points, int columns);

}  // namespace tributary::simulation
