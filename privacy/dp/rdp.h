// SPDX-License-Identifier: Apache-2.0
// Renyi differential privacy (Mironov 2017) as a curve over fixed orders:
// curves of independent releases add up, and one conversion gives epsilon.
// Values; any thread.
#pragma once

#include <array>
#include <cstddef>

namespace tributary::dp {

// 1.1, 1.2, ... 10.9, then 11, 12, ... 128, then 256, 512, 1024. An epsilon is
// a minimum over them, so the list is part of every answer.
inline constexpr std::size_t kRdpOrders = 220;
const std::array<double, kRdpOrders>& RdpOrders();

// A bound on the Renyi divergence, in nats, at each order; infinity where a
// mechanism has no bound (some are known at whole orders only).
struct RdpCurve {
  std::array<double, kRdpOrders> divergence{};

  // Both released about the same clients.
  RdpCurve& operator+=(const RdpCurve& other);
  // Released `count` times.
  friend RdpCurve operator*(double count, RdpCurve curve);
};

struct RdpEpsilon {
  double epsilon = 0;
  double order = 0;  // where the minimum lies
};

// epsilon = min over orders a of
//     divergence(a) + ln(1 - 1/a) - ln(delta a) / (a - 1), at least 0
// Canonne, Kamath, Steinke 2020, proposition 12. 0 < delta < 1.
RdpEpsilon EpsilonOf(const RdpCurve& curve, double delta);

}  // namespace tributary::dp
