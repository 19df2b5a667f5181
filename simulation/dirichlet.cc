// SPDX-License-Identifier: Apache-2.0
#include "simulation/dirichlet.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tributary::simulation {
namespace {

// Uniform in (0, 1]: its logarithm is finite.
double Positive(RandomSource& random) { return 1.0 - random.Uniform(); }

}  // namespace

double LogGamma(RandomSource& random, double shape) {
  if (shape < 1) {
    const double boosted = LogGamma(random, shape + 1);
    return boosted + std::log(Positive(random)) / shape;
  }
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9 * d);
  while (true) {
    const double x = Normal(random);
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double u = Positive(random);
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) {
      return std::log(d) + std::log(v);
    }
  }
}

std::vector<double> NormalizedExp(std::vector<double> logarithms) {
  const double largest =
      *std::max_element(logarithms.begin(), logarithms.end());
  double sum = 0;
  for (double& value : logarithms) {
    value = std::exp(value - largest);
    sum += value;
  }
  for (double& value : logarithms) value /= sum;
  return logarithms;
}

std::vector<double> Dirichlet(RandomSource& random, double alpha,
                              std::size_t count) {
  std::vector<double> logarithms(count);
  for (double& value : logarithms) value = LogGamma(random, alpha);
  return NormalizedExp(std::move(logarithms));
}

}  // namespace tributary::simulation
