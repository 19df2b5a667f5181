// SPDX-License-Identifier: Apache-2.0
#include "aggregation/server_optimizer.h"

#include <cmath>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "aggregation/invariant.h"

namespace tributary::aggregation {
namespace {

absl::Status CheckPositive(std::string_view key, double value) {
  if (std::isfinite(value) && value > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      std::string(key), ": ", value, " is not a finite number over 0"));
}

absl::Status CheckDecay(std::string_view key, double value) {
  if (value >= 0 && value < 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(key), ": ", value, " is not in [0, 1)"));
}

absl::Status FirstError(std::initializer_list<absl::Status> checks) {
  for (const absl::Status& check : checks) {
    if (!check.ok()) return check;
  }
  return absl::OkStatus();
}

struct Validator {
  absl::Status operator()(const FedAvg& o) const {
    return CheckPositive("server_optimizer.fedavg.learning_rate",
                         o.learning_rate);
  }
  absl::Status operator()(const FedAvgM& o) const {
    return FirstError(
        {CheckPositive("server_optimizer.fedavgm.learning_rate",
                       o.learning_rate),
         CheckDecay("server_optimizer.fedavgm.momentum", o.momentum)});
  }
  absl::Status operator()(const FedAdam& o) const {
    return FirstError({CheckPositive("server_optimizer.fedadam.learning_rate",
                                     o.learning_rate),
                       CheckDecay("server_optimizer.fedadam.beta1", o.beta1),
                       CheckDecay("server_optimizer.fedadam.beta2", o.beta2),
                       CheckPositive("server_optimizer.fedadam.tau", o.tau)});
  }
  absl::Status operator()(const FedAdagrad& o) const {
    return FirstError(
        {CheckPositive("server_optimizer.fedadagrad.learning_rate",
                       o.learning_rate),
         CheckDecay("server_optimizer.fedadagrad.beta1", o.beta1),
         CheckPositive("server_optimizer.fedadagrad.tau", o.tau)});
  }
  absl::Status operator()(const FedYogi& o) const {
    return FirstError({CheckPositive("server_optimizer.fedyogi.learning_rate",
                                     o.learning_rate),
                       CheckDecay("server_optimizer.fedyogi.beta1", o.beta1),
                       CheckDecay("server_optimizer.fedyogi.beta2", o.beta2),
                       CheckPositive("server_optimizer.fedyogi.tau", o.tau)});
  }
};

// The formulas are evaluated in double and each stored value is rounded to
// float once, so the bits depend neither on block cuts nor on vector width.
struct Stepper {
  std::span<float> x;
  std::span<const float> d;
  std::span<const std::span<float>> state;

  // x <- x + lr d                                        McMahan et al. 2017
  void operator()(const FedAvg& o) const {
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<float>(x[i] + o.learning_rate * d[i]);
    }
  }

  // m <- beta m + d ;  x <- x + lr m                         Hsu et al. 2019
  void operator()(const FedAvgM& o) const {
    const std::span<float> m = state[0];
    for (std::size_t i = 0; i < x.size(); ++i) {
      m[i] = static_cast<float>(o.momentum * m[i] + d[i]);
      x[i] = static_cast<float>(x[i] + o.learning_rate * m[i]);
    }
  }

  // v <- b2 v + (1-b2) d^2                       Reddi et al. 2021, alg. 2
  void operator()(const FedAdam& o) const {
    Adapt(o, [&o](double v, double delta) {
      return o.beta2 * v + (1 - o.beta2) * delta * delta;
    });
  }

  // v <- v + d^2                                 Reddi et al. 2021, alg. 2
  void operator()(const FedAdagrad& o) const {
    Adapt(o, [](double v, double delta) { return v + delta * delta; });
  }

  // v <- v - (1-b2) d^2 sign(v - d^2)            Reddi et al. 2021, alg. 2
  void operator()(const FedYogi& o) const {
    Adapt(o, [&o](double v, double delta) {
      const double square = delta * delta;
      const double sign = v > square ? 1 : v < square ? -1 : 0;
      return v - (1 - o.beta2) * square * sign;
    });
  }

  // m <- b1 m + (1-b1) d ;  v <- next_v(v, d)
  // x <- x + lr m / (sqrt(v) + tau)              Reddi et al. 2021, alg. 2
  template <typename Optimizer, typename NextV>
  void Adapt(const Optimizer& o, NextV next_v) const {
    const std::span<float> m = state[0];
    const std::span<float> v = state[1];
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double delta = d[i];
      m[i] = static_cast<float>(o.beta1 * m[i] + (1 - o.beta1) * delta);
      v[i] = static_cast<float>(next_v(v[i], delta));
      x[i] = static_cast<float>(x[i] + o.learning_rate * m[i] /
                                           (std::sqrt(double{v[i]}) + o.tau));
    }
  }
};

}  // namespace

absl::Status Validate(const ServerOptimizer& optimizer) {
  return std::visit(Validator{}, optimizer);
}

int StateVectors(const ServerOptimizer& optimizer) {
  struct Counter {
    int operator()(const FedAvg&) const { return 0; }
    int operator()(const FedAvgM&) const { return 1; }
    int operator()(const FedAdam&) const { return 2; }
    int operator()(const FedAdagrad&) const { return 2; }
    int operator()(const FedYogi&) const { return 2; }
  };
  return std::visit(Counter{}, optimizer);
}

void StepBlock(const ServerOptimizer& optimizer, std::span<float> weights,
               std::span<const float> mean_delta,
               std::span<const std::span<float>> state) {
  TRIBUTARY_INVARIANT(weights.size(), ==, mean_delta.size());
  TRIBUTARY_INVARIANT(state.size(), ==,
                      static_cast<std::size_t>(StateVectors(optimizer)));
  for (const std::span<float> vector : state) {
    TRIBUTARY_INVARIANT(vector.size(), >=, weights.size());
  }
  std::visit(Stepper{weights, mean_delta, state}, optimizer);
}

}  // namespace tributary::aggregation
