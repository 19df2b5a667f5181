// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/line_chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "simulation/report/axis.h"
#include "simulation/report/chart_frame.h"
#include "simulation/report/colour.h"
#include "simulation/report/markup.h"

namespace tributary::simulation {
namespace {

// More dots than this hide their curve.
constexpr std::size_t kMostDots = 60;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void Include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

std::vector<Curve> Drawable(const std::vector<Curve>& curves, int columns) {
  std::vector<Curve> drawable;
  for (const Curve& curve : curves) {
    Curve finite{curve.name, {}};
    for (const Point& point : curve.points) {
      if (std::isfinite(point.x) && std::isfinite(point.y)) {
        finite.points.push_back(point);
      }
    }
    finite.points = ThinPoints(finite.points, columns);
    drawable.push_back(std::move(finite));
  }
  return drawable;
}

std::string DrawCurve(const Curve& curve, std::size_t index,
                      const ChartFrame& frame) {
  std::string path;
  std::string dots;
  for (const Point& point : curve.points) {
    const std::string x = Coordinate(frame.X(point.x));
    const std::string y = Coordinate(frame.Y(point.y));
    absl::StrAppend(&path, path.empty() ? "M" : "L", x, " ", y);
    if (curve.points.size() > kMostDots) continue;
    absl::StrAppend(&dots, "<circle cx=\"", x, "\" cy=\"", y,
                    "\" r=\"2.5\"><title>", Escape(curve.name), ": ",
                    FormatQuantity(frame.y_quantity(), point.y), " at ",
                    FormatQuantity(frame.x_quantity(), point.x),
                    "</title></circle>");
  }
  const std::string colour(ColourOf(index));
  return absl::StrCat(
      "<path class=\"curve\" data-name=\"", Escape(curve.name), "\" d=\"", path,
      "\" fill=\"none\" stroke=\"", colour,
      "\" stroke-width=\"2\" stroke-linejoin=\"round\" stroke-dasharray=\"",
      std::string(DashesOf(index)), "\"/>", "<g fill=\"", colour, "\">", dots,
      "</g>");
}

}  // namespace

std::vector<Point> ThinPoints(const std::vector<Point>& points, int columns) {
  const std::size_t most = static_cast<std::size_t>(columns) * 4;
  if (points.size() <= most) return points;
  const double first_x = points.front().x;
  const double width = points.back().x - first_x;
  const auto stripe_of = [&](const Point& point) {
    const double share = width > 0 ? (point.x - first_x) / width : 0;
    return std::min(static_cast<int>(share * columns), columns - 1);
  };
  std::vector<Point> kept;
  for (std::size_t begin = 0; begin < points.size();) {
    std::size_t end = begin;
    std::size_t lowest = begin;
    std::size_t highest = begin;
    const int stripe = stripe_of(points[begin]);
    for (; end < points.size() && stripe_of(points[end]) == stripe; ++end) {
      if (points[end].y < points[lowest].y) lowest = end;
      if (points[end].y > points[highest].y) highest = end;
    }
    std::array<std::size_t, 4> chosen = {begin, lowest, highest, end - 1};
    std::sort(chosen.begin(), chosen.end());
    const auto last = std::unique(chosen.begin(), chosen.end());
    for (auto at = chosen.begin(); at != last; ++at) {
      kept.push_back(points[*at]);
    }
    begin = end;
  }
  return kept;
}

std::string DrawLineChart(const LineChart& chart) {
  const std::vector<Curve> curves =
      Drawable(chart.curves, static_cast<int>(ChartFrame::kWidth));
  Range x, y;
  for (const Curve& curve : curves) {
    for (const Point& point : curve.points) {
      x.Include(point.x);
      y.Include(point.y);
    }
  }
  if (x.low > x.high) return "";
  if (chart.target && std::isfinite(*chart.target)) y.Include(*chart.target);
  if (chart.base == LineChart::Base::kZero) y.Include(0);

  std::vector<ChartFrame::Key> keys;
  for (std::size_t i = 0; i < curves.size() && curves.size() > 1; ++i) {
    keys.push_back({curves[i].name, i});
  }
  const ChartFrame frame({.title = chart.title,
                          .x = {chart.x_label, chart.x_quantity, x.low, x.high},
                          .y = {chart.y_label, chart.y_quantity, y.low, y.high},
                          .keys = std::move(keys)});
  std::string body;
  if (chart.target && std::isfinite(*chart.target)) {
    absl::StrAppend(&body, frame.DrawLevel(*chart.target, "target"));
  }
  for (std::size_t i = 0; i < curves.size(); ++i) {
    if (curves[i].points.empty()) continue;
    absl::StrAppend(&body, DrawCurve(curves[i], i, frame));
  }
  return frame.Wrap(body);
}

}  // namespace tributary::simulation
