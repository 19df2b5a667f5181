// SPDX-License-Identifier: Apache-2.0
// Dirichlet draws for simulated populations, from a source of random bytes.
//
//   p_k = g_k / sum_j g_j ,   g_k ~ Gamma(alpha, 1)
//
// Gamma variates by Marsaglia and Tsang (2000), "A simple method for generating
// gamma variables"; below shape 1 by their boost Gamma(a) = Gamma(a + 1)
// U^(1/a), in logarithms, so that a tiny alpha does not underflow to 0 / 0.
//
// Pure but for the source they draw from.
#pragma once

#include <cstddef>
#include <vector>

#include "privacy/crypto/random.h"
#include "simulation/datasets/normal.h"

namespace tributary::simulation {

using datasets::Normal;

// The logarithm of a Gamma(shape, 1) variate; shape > 0.
double LogGamma(RandomSource& random, double shape);

// exp(x_k) / sum_j exp(x_j), without overflow. Not empty.
std::vector<double> NormalizedExp(std::vector<double> logarithms);

// Shares that add up to 1 (within rounding), from the symmetric
// Dirichlet(alpha); alpha > 0, count > 0.
std::vector<double> Dirichlet(RandomSource& random, double alpha,
                              std::size_t count);

}  // namespace tributary::simulation
