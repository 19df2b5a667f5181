// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/target.h"

#include <initializer_list>

namespace tributary::simulation {
namespace {

bool IsBetter(double a, double b, Better better) {
  return better == Better::kHigher ? a > b : a < b;
}

}  // namespace

Better BetterOf(std::string_view metric) {
  for (const std::string_view word :
       {"loss", "error", "mae", "mse", "stddev"}) {
    if (metric.find(word) != std::string_view::npos) return Better::kLower;
  }
  return Better::kHigher;
}

std::optional<Point> BestOf(std::span<const Point> points, Better better) {
  std::optional<Point> best;
  for (const Point& point : points) {
    if (!best || IsBetter(point.y, best->y, better)) best = point;
  }
  return best;
}

std::optional<double> ReachedAt(std::span<const Point> points, double target,
                                Better better) {
  // The best so far, at the point before.
  std::optional<Point> before;
  for (const Point& point : points) {
    if (before && !IsBetter(point.y, before->y, better)) {
      before->x = point.x;
      continue;
    }
    if (!IsBetter(target, point.y, better)) {
      if (!before) return point.x;
      const double share = (target - before->y) / (point.y - before->y);
      return before->x + share * (point.x - before->x);
    }
    before = point;
  }
  return std::nullopt;
}

}  // namespace tributary::simulation
