// SPDX-License-Identifier: Apache-2.0
// When a run's metric was good enough, as the FedAvg paper counts it (McMahan
// et al. 2017, arXiv 1602.05629, section 3): each value is replaced by the best
// one so far, and the round where that curve crosses the target is interpolated
// linearly between its points. Pure.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "simulation/report/line_chart.h"

namespace tributary::simulation {

enum class Better { kHigher, kLower };

// Losses, errors and deviations are better when lower, everything else when
// higher.
Better BetterOf(std::string_view metric);

// Where (x) the best value so far crosses the target; nothing if it never does.
// Points in increasing order of x.
std::optional<double> ReachedAt(std::span<const Point> points, double target,
                                Better better);

// The best point, the first of equals; nothing without points.
std::optional<Point> BestOf(std::span<const Point> points, Better better);

}  // namespace tributary::simulation
