// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/distributed_noise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "privacy/dp/log_sum.h"

namespace tributary::dp {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

bool IsWhole(double order) { return order == std::floor(order); }

template <typename Divergence>
RdpCurve AtWholeOrders(Divergence divergence) {
  RdpCurve curve;
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    const double order = RdpOrders()[i];
    curve.divergence[i] = IsWhole(order) ? divergence(order) : kNone;
  }
  return curve;
}

absl::Status Positive(const char* name, double value) {
  if (std::isfinite(value) && value > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": ", value, " is not a positive number"));
}

}  // namespace

absl::Status DistributedNoise::Validate() const {
  absl::Status status = Positive("clip", clip);
  status.Update(Positive("scale", scale));
  status.Update(Positive("local_deviation", local_deviation));
  status.Update(Positive("clients", static_cast<double>(clients)));
  status.Update(Positive("dimension", static_cast<double>(dimension)));
  if (!status.ok()) return status;
  if (!(beta >= 0 && beta < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("beta: ", beta, " is not in [0, 1)"));
  }
  return absl::OkStatus();
}

RoundedNorms NormsAfterRounding(const DistributedNoise& noise) {
  const double norm = noise.clip * noise.scale;
  const double root = std::sqrt(static_cast<double>(noise.dimension));
  double l2 = norm + root;
  if (noise.beta > 0) {
    l2 = std::min(l2, std::sqrt(norm * norm + root * root / 4 +
                                std::sqrt(-2 * std::log(noise.beta)) *
                                    (norm + root / 2)));
  }
  return {.l1 = l2 * std::min(root, l2) / noise.scale, .l2 = l2 / noise.scale};
}

RdpCurve SkellamRdp(const DistributedNoise& noise) {
  const RoundedNorms norms = NormsAfterRounding(noise);
  const double s = noise.scale;
  const double mu = static_cast<double>(noise.clients) * noise.local_deviation *
                    noise.local_deviation;
  return AtWholeOrders([&](double a) {
    // a D2^2 / 2mu + min(((2a-1) s D2^2 + 6 D1) / 4 s^3 mu^2, 3 D1 / 2 s mu)
    return a * norms.l2 * norms.l2 / (2 * mu) +
           std::min(((2 * a - 1) * s * norms.l2 * norms.l2 + 6 * norms.l1) /
                        (4 * s * s * s * mu * mu),
                    3 * norms.l1 / (2 * s * mu));
  });
}

RdpCurve DistributedDiscreteGaussianRdp(const DistributedNoise& noise) {
  const RoundedNorms norms = NormsAfterRounding(noise);
  const double deviation = noise.local_deviation * noise.scale;
  double tau = 0;
  for (std::int64_t k = 1; k < noise.clients; ++k) {
    const double share = static_cast<double>(k) / static_cast<double>(k + 1);
    tau += 10 * std::exp(-2 * std::numbers::pi * std::numbers::pi * deviation *
                         deviation * share);
  }
  const double total =
      std::sqrt(static_cast<double>(noise.clients)) * noise.local_deviation;
  const double l1 = norms.l1 / total;
  const double l2 = norms.l2 / total;
  const double d = static_cast<double>(noise.dimension);
  return AtWholeOrders([&](double a) {
    const double joint = l2 + std::sqrt(d) * tau;
    return std::min({a / 2 * l2 * l2 + tau * d,
                     a / 2 * (l2 * l2 + 2 * tau * l1 + tau * tau * d),
                     a / 2 * joint * joint});
  });
}

RdpCurve PoissonRdp(double rate, const RdpCurve& unsampled) {
  if (rate == 1) return unsampled;
  const auto& orders = RdpOrders();
  // Whole orders stand in the list without a gap up to 128 only.
  std::array<double, 129> whole;
  whole.fill(kNone);
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    if (IsWhole(orders[i]) && orders[i] < whole.size()) {
      whole[static_cast<std::size_t>(orders[i])] = unsampled.divergence[i];
    }
  }
  const double log_rate = std::log(rate);
  const double log_rest = std::log1p(-rate);
  RdpCurve curve = unsampled;
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    const double a = orders[i];
    if (!IsWhole(a) || a >= whole.size()) continue;
    LogSum sum;
    sum.Add((a - 1) * log_rest + std::log1p(rate * (a - 1)));
    double log_binomial = std::log(a);
    for (int l = 2; l <= static_cast<int>(a); ++l) {
      log_binomial += std::log((a - l + 1) / l);
      const double factor = l == 2 ? 0 : std::log(3);
      sum.Add(factor + log_binomial + (a - l) * log_rest + l * log_rate +
              (l - 1) * whole[l]);
    }
    curve.divergence[i] =
        std::min(unsampled.divergence[i], sum.Log() / (a - 1));
  }
  return curve;
}

}  // namespace tributary::dp
