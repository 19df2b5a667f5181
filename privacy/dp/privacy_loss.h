// SPDX-License-Identifier: Apache-2.0
// Privacy loss distributions on a grid, by connecting the dots (Doroshenko,
// Ghazi, Kamath, Kumar, Manurangsi 2022): of all distributions on the grid that
// are at least as revealing, the least revealing one. Values; any thread.
//
// For outcome o under neighbours P and Q the loss is ln(P(o) / Q(o)), o drawn
// from P. A whole accounting keeps both directions.
#pragma once

#include <cstdint>
#include <vector>

namespace tributary::dp {

struct LossDistribution {
  double interval = 0;      // between two losses of the grid, nats
  std::int64_t lowest = 0;  // mass[j] is at loss (lowest + j) * interval
  std::vector<double> mass;
  double infinite_mass = 0;  // outcomes that the other neighbour never gives
};

struct PrivacyLoss {
  LossDistribution removal;   // P with the client, Q without
  LossDistribution addition;  // P without, Q with
};

// `noise` and `rate` as in gaussian_rdp.h, and like there the caller checks
// them. `interval` is the grid's; a smaller one is tighter and slower.

// Each client in the cohort with probability `rate`; neighbours: one client
// more or less. `noise` is relative to the clip norm c.
PrivacyLoss PoissonGaussianLoss(double rate, double noise, double interval);

// The same cohort; neighbours: one client's vector replaced by another's, the
// worst case being c and -c. `noise` is relative to c, not to 2c.
PrivacyLoss PoissonReplacedGaussianLoss(double rate, double noise,
                                        double interval);

// An integer of sensitivity 1 with discrete Gaussian noise of parameter
// `noise`, no sampling; neighbours: one client more or less.
PrivacyLoss DiscreteGaussianLoss(double noise, double interval);

// The grid for a loss of Poisson sampling: 1e-4, finer where the loss of one
// round is small beside that, coarser where the grid would exceed 2^21 points.
double LossInterval(double rate, double noise);
// Below it the grid would exceed 2^21 points.
double LeastLossInterval(double rate, double noise);

}  // namespace tributary::dp
