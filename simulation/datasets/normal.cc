// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/normal.h"

#include <cmath>

namespace tributary::datasets {

double Normal(RandomSource& random) {
  while (true) {
    const double u = 2 * random.Uniform() - 1;
    const double v = 2 * random.Uniform() - 1;
    const double s = u * u + v * v;
    // The second variate of the pair is dropped: a function without state is
    // worth more here than half the draws.
    if (s > 0 && s < 1) return u * std::sqrt(-2 * std::log(s) / s);
  }
}

}  // namespace tributary::datasets
