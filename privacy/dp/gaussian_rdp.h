// SPDX-License-Identifier: Apache-2.0
// Renyi divergences of the Gaussian mechanism, alone and on a random cohort.
// `noise` is the standard deviation of the noise on a sum over the sum's L2
// sensitivity under the neighbouring relation that the function names. Pure;
// any thread. The caller checks: 0.05 <= noise < infinity, 0 < rate <= 1.
#pragma once

#include "privacy/dp/rdp.h"

namespace tributary::dp {

// Divergence a / (2 noise^2) (Mironov 2017, proposition 7), whatever the
// relation. The discrete Gaussian of integer vectors has the same bound
// (Canonne, Kamath, Steinke 2020, theorem 14).
RdpCurve GaussianRdp(double noise);

// Each client takes part with probability `rate`, independently of the others;
// neighbours: one client more or less. The larger direction's divergence itself
// (Mironov, Talwar, Zhang 2019, theorems 4 and 5), no bound of it:
//     A = E over z ~ N(0, s^2) of (1 - q + q e^((2z - 1) / 2s^2))^a
//     divergence = ln A / (a - 1)
// by the binomial sum at whole orders and by quadrature between them.
RdpCurve PoissonGaussianRdp(double rate, double noise);

// A cohort of fixed size, drawn without replacement, `rate` = cohort over
// population; neighbours: one client replaced by another, so the sensitivity of
// a sum of vectors clipped to c is 2c. An upper bound: Wang, Balle,
// Kasiviswanathan 2019, theorem 27, with their corollary 10 between the whole
// orders.
RdpCurve FixedSizeGaussianRdp(double rate, double noise);

}  // namespace tributary::dp
