// SPDX-License-Identifier: Apache-2.0
// How small a minimum may be that Poisson cohorts must have. Pure; any thread.
//
// A draw of fewer clients is thrown away and nothing is charged for it, so the
// draws that are left are no Poisson sample. They are one but for what follows:
// with one client more, it alone saves a draw of minimum - 1 others, which
// happens with probability rate x P(size = minimum - 1) at most. So much is
// added to delta by each draw. The minimum must be so far below the mean that
// all draws together add 1 % of delta at most.
#pragma once

#include <cstdint>

namespace tributary::dp {

struct PoissonDraws {
  std::int64_t population = 0;
  std::int64_t cohort = 0;  // in the mean, of the whole population
  std::int64_t rounds = 0;
  std::int64_t attempts = 0;  // of a round, at most; each is a draw
  double delta = 0;

  // Of those that wait, the part in a cohort; 1 at most.
  double Rate() const;

  // The largest minimum, if a draw is made among `waiting` clients at least;
  // below 1: there is none.
  std::int64_t LargestMinimum(std::int64_t waiting) const;
  // The fewest clients among whom cohorts may be drawn that have this minimum;
  // over `population`: it is too large for the population.
  std::int64_t LeastWaiting(std::int64_t minimum) const;

 private:
  bool IsRare(double mean, std::int64_t minimum) const;
};

// At least P(X < minimum) for X of this mean, the sum of independent coins:
// Chernoff's bound exp(-mean (x ln x - x + 1)), x = (minimum - 1) / mean
// (Mitzenmacher and Upfal 2005, theorem 4.5). 1 where it says nothing.
double SmallDrawBound(double mean, std::int64_t minimum);

}  // namespace tributary::dp
