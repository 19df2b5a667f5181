// SPDX-License-Identifier: Apache-2.0
// Renyi divergences of integer noise that many clients add in shares, under
// secure aggregation. Neighbours, where nothing else is said: one client more
// or less. Pure; any thread.
//
// Each client clips its vector to L2 norm `clip`, multiplies it by `scale`,
// rounds it to integers stochastically (again while the norm is over the bound)
// and adds integer noise of standard deviation `scale` x `local_deviation`; the
// sum is divided by `scale`.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "privacy/dp/rdp.h"

namespace tributary::dp {

struct DistributedNoise {
  double clip = 1;             // L2, before rounding
  double scale = 0;            // grid points per unit
  double local_deviation = 0;  // of one client's share, before scaling
  std::int64_t clients = 0;    // shares in the sum that are certain to be there
  std::int64_t dimension = 0;  // coordinates, with padding
  // Stochastic rounding is repeated until the norm is within the bound that it
  // passes with probability 1 - beta; 0 for the bound that always holds.
  double beta = 0.60653065971263342;  // e^(-1/2)

  // Names the field that is wrong.
  absl::Status Validate() const;
};

// L1 and L2 norms of a client's rounded vector, divided by the scale: Kairouz,
// Liu, Steinke 2021, theorem 1 (on the grid: L1 <= min(sqrt(d) L2, L2^2)).
struct RoundedNorms {
  double l1 = 0;
  double l2 = 0;
};
RoundedNorms NormsAfterRounding(const DistributedNoise& noise);

// Skellam shares: their sum is Skellam again. Agarwal, Kairouz, Liu 2021,
// corollary 4.1; whole orders only, infinity between them.
RdpCurve SkellamRdp(const DistributedNoise& noise);
// The same of integers themselves: norms of what one client moves, and the
// noise's variance, in grid points.
RdpCurve SkellamRdp(const RoundedNorms& norms, double variance);

// Any mechanism on a cohort into which each client falls with probability `rate`,
// 0 < rate <= 1, independently: Zhu and Wang 2019, theorem 5, which holds for
// every mechanism; whole orders only.
RdpCurve PoissonRdp(double rate, const RdpCurve& unsampled);

// Any mechanism on a cohort of fixed size, drawn without replacement, `rate` =
// cohort over population; neighbours: one client replaced by another, in
// `unsampled` too. Wang, Balle, Kasiviswanathan 2019, theorem 9; whole orders
// only.
RdpCurve FixedSizeRdp(double rate, const RdpCurve& unsampled);

}  // namespace tributary::dp
