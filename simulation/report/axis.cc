// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/axis.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"

namespace tributary::simulation {
namespace {

// The nice number nearest to `size` (Heckbert's nicenum with rounding).
double NiceNumber(double size) {
  const double power = std::pow(10, std::floor(std::log10(size)));
  const double fraction = size / power;
  if (fraction < 1.5) return power;
  if (fraction < 3) return 2 * power;
  if (fraction < 7) return 5 * power;
  return 10 * power;
}

}  // namespace

Axis MakeAxis(double lowest, double highest, Quantity quantity, int steps) {
  if (lowest > highest) std::swap(lowest, highest);
  // Beyond this a difference is no longer a number.
  lowest = std::max(lowest, -1e300);
  highest = std::min(highest, 1e300);
  Axis axis;
  axis.unit = UnitFor(quantity, std::max(std::abs(lowest), std::abs(highest)));
  double low = lowest / axis.unit.size;
  double high = highest / axis.unit.size;
  // A range too small for its numbers to differ is none.
  const double size = std::max(std::abs(low), std::abs(high));
  if (high - low <= size * 1e-9) {
    const double reach = size > 0 ? size * 0.1 : 1;
    low -= low == 0 ? 0 : reach;
    high += reach;
  }
  double step = NiceNumber((high - low) / std::max(steps, 1));
  if (quantity == Quantity::kCount) step = std::max(step, 1.0);
  // What lies on a tick but for rounding needs no further step.
  low = std::floor(low / step + 1e-9) * step;
  high = std::ceil(high / step - 1e-9) * step;
  axis.decimals =
      std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 12);
  axis.low = low * axis.unit.size;
  axis.high = high * axis.unit.size;
  axis.step = step * axis.unit.size;
  return axis;
}

std::vector<double> Axis::Ticks() const {
  std::vector<double> ticks;
  const long count = std::lround((high - low) / step);
  for (long i = 0; i <= count; ++i) {
    ticks.push_back(low + static_cast<double>(i) * step);
  }
  return ticks;
}

std::string Axis::TickText(double tick) const {
  const double value = tick / unit.size;
  // -0.00 is 0.
  const double shown = std::abs(value) < step / unit.size * 1e-6 ? 0 : value;
  if (std::abs(shown) >= 1e9) return absl::StrFormat("%.3g", shown);
  if (decimals == 0) return FormatCount(shown);
  return absl::StrFormat("%.*f", decimals, shown);
}

}  // namespace tributary::simulation
