// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/distributed_noise.h"

#include <algorithm>
#include <array>
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
  RoundedNorms norms = NormsAfterRounding(noise);
  norms.l1 *= noise.scale;
  norms.l2 *= noise.scale;
  const double deviation = noise.local_deviation * noise.scale;
  return SkellamRdp(norms,
                    static_cast<double>(noise.clients) * deviation * deviation);
}

RdpCurve SkellamRdp(const RoundedNorms& norms, double variance) {
  const double squared = norms.l2 * norms.l2;
  return AtWholeOrders([&](double a) {
    // With s = 1 of the paper, D and mu in grid points:
    // a D2^2 / 2mu + min(((2a-1) D2^2 + 6 D1) / 4 mu^2, 3 D1 / 2 mu)
    return a * squared / (2 * variance) +
           std::min(((2 * a - 1) * squared + 6 * norms.l1) /
                        (4 * variance * variance),
                    3 * norms.l1 / (2 * variance));
  });
}

namespace {

// Orders 0 to 128, of which the first two are not used: whole orders stand in
// the list without a gap up to there only.
using WholeOrders = std::array<double, 129>;

WholeOrders WholeOrdersOf(const RdpCurve& curve) {
  WholeOrders whole;
  whole.fill(kNone);
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    const double order = RdpOrders()[i];
    if (IsWhole(order) && order < static_cast<double>(whole.size())) {
      whole[static_cast<std::size_t>(order)] = curve.divergence[i];
    }
  }
  return whole;
}

// The curve with ln(moment) / (order - 1) at whole orders up to 128, where that
// is less.
template <typename LogMoment>
RdpCurve Amplified(const RdpCurve& unsampled, LogMoment log_moment) {
  const WholeOrders whole = WholeOrdersOf(unsampled);
  RdpCurve curve = unsampled;
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    const double order = RdpOrders()[i];
    if (!IsWhole(order) || order >= static_cast<double>(whole.size())) continue;
    curve.divergence[i] =
        std::min(unsampled.divergence[i],
                 log_moment(static_cast<int>(order), whole) / (order - 1));
  }
  return curve;
}

}  // namespace

RdpCurve PoissonRdp(double rate, const RdpCurve& unsampled) {
  if (rate == 1) return unsampled;
  const double log_rate = std::log(rate);
  const double log_rest = std::log1p(-rate);
  return Amplified(unsampled, [&](int a, const WholeOrders& divergence) {
    LogSum sum;
    sum.Add((a - 1) * log_rest + std::log1p(rate * (a - 1)));
    double log_binomial = std::log(a);
    for (int l = 2; l <= a; ++l) {
      log_binomial += std::log((a - l + 1.0) / l);
      const double factor = l == 2 ? 0 : std::log(3);
      sum.Add(factor + log_binomial + (a - l) * log_rest + l * log_rate +
              (l - 1) * divergence[static_cast<std::size_t>(l)]);
    }
    return sum.Log();
  });
}

RdpCurve FixedSizeRdp(double rate, const RdpCurve& unsampled) {
  if (rate == 1) return unsampled;
  const double log_rate = std::log(rate);
  return Amplified(unsampled, [&](int a, const WholeOrders& divergence) {
    // 1 + q^2 C(a,2) min(4 (e^e(2) - 1), 2 e^e(2))
    //   + sum over j >= 3 of q^j C(a,j) 2 e^((j-1) e(j)), for e(inf) may be
    // infinite.
    LogSum sum;
    sum.Add(0);
    double log_binomial = std::log(a);
    for (int j = 2; j <= a; ++j) {
      log_binomial += std::log((a - j + 1.0) / j);
      const double e = divergence[static_cast<std::size_t>(j)];
      double log_term = std::numbers::ln2 + (j - 1) * e;
      if (j == 2) {
        log_term = std::min(log_term, 2 * std::numbers::ln2 + LogExpm1(e));
      }
      sum.Add(log_binomial + j * log_rate + log_term);
    }
    return sum.Log();
  });
}

}  // namespace tributary::dp
