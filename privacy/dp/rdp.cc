// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/rdp.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tributary::dp {

const std::array<double, kRdpOrders>& RdpOrders() {
  static constexpr auto kOrders = [] {
    std::array<double, kRdpOrders> orders{};
    std::size_t next = 0;
    for (int tenth = 11; tenth <= 109; ++tenth) orders[next++] = tenth / 10.0;
    for (int order = 11; order <= 128; ++order) orders[next++] = order;
    for (int order = 256; order <= 1024; order *= 2) orders[next++] = order;
    return orders;
  }();
  static_assert(kOrders.back() == 1024);
  return kOrders;
}

RdpCurve& RdpCurve::operator+=(const RdpCurve& other) {
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    divergence[i] += other.divergence[i];
  }
  return *this;
}

RdpCurve operator*(double count, RdpCurve curve) {
  for (double& value : curve.divergence) value *= count;
  return curve;
}

RdpEpsilon EpsilonOf(const RdpCurve& curve, double delta) {
  const auto& orders = RdpOrders();
  RdpEpsilon best{std::numeric_limits<double>::infinity(), orders.front()};
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    const double a = orders[i];
    const double epsilon = curve.divergence[i] + std::log1p(-1 / a) -
                           (std::log(delta) + std::log(a)) / (a - 1);
    if (epsilon < best.epsilon) best = {epsilon, a};
  }
  best.epsilon = std::max(best.epsilon, 0.0);
  return best;
}

}  // namespace tributary::dp
