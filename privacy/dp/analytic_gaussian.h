// SPDX-License-Identifier: Apache-2.0
// The Gaussian mechanism without sampling, exactly: Balle and Wang 2018,
// theorem 8. `noise` as in gaussian_rdp.h; T releases with one noise are one
// release with noise / sqrt(T). Pure; any thread.
#pragma once

namespace tributary::dp {

// The smallest delta at an epsilon >= 0:
//     Phi(1/2s - e s) - exp(e) Phi(-1/2s - e s)
double AnalyticGaussianDelta(double noise, double epsilon);

// The smallest epsilon at 0 < delta < 1, rounded up by at most 1e-12 of it.
double AnalyticGaussianEpsilon(double noise, double delta);

}  // namespace tributary::dp
