// SPDX-License-Identifier: Apache-2.0
// An axis whose ticks are round numbers, after P. Heckbert, "Nice numbers for
// graph labels", Graphics Gems (1990), p. 61: a step of 1, 2 or 5 times a power
// of ten, in the unit that suits the largest value. Pure.
#pragma once

#include <string>
#include <vector>

#include "simulation/report/quantity.h"

namespace tributary::simulation {

struct Axis {
  // Ends, multiples of the step; what is drawn lies between them.
  double low = 0;
  double high = 1;
  double step = 1;
  Unit unit;
  // Of the ticks' texts.
  int decimals = 0;

  std::vector<double> Ticks() const;
  // The text of a tick, without its unit: "0.25", "1,000".
  std::string TickText(double tick) const;
  // 0 at the low end, 1 at the high end.
  double Share(double value) const { return (value - low) / (high - low); }
};

// An axis over lowest .. highest (finite, in any order) with about so many
// steps. Where both are the same it reaches a little to both sides.
Axis MakeAxis(double lowest, double highest, Quantity quantity, int steps);

}  // namespace tributary::simulation
