// SPDX-License-Identifier: Apache-2.0
#include "simulation/dirichlet.h"

#include <algorithm>
#include <cmath>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

struct Moments {
  double mean = 0;
  double variance = 0;
};

template <typename Draw>
Moments Measure(int count, Draw draw) {
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < count; ++i) {
    const double value = draw();
    sum += value;
    squares += value * value;
  }
  const double mean = sum / count;
  return {mean, squares / count - mean * mean};
}

// 40,000 draws with a fixed seed: the bounds are five standard errors of the
// mean, so a right sampler fails for about one seed in a million. Passing says
// nothing about the tails.
constexpr int kDraws = 40000;

TEST_CASE("normal variates have mean 0 and variance 1") {
  KeyedStream random(KeyFromSeed(1), "normal");
  const Moments moments = Measure(kDraws, [&] { return Normal(random); });
  CHECK(std::abs(moments.mean) < 5 / std::sqrt(kDraws));
  CHECK(std::abs(moments.variance - 1) < 5 * std::sqrt(2.0 / kDraws));
}

TEST_CASE("gamma variates have mean and variance of their shape") {
  for (const double shape : {0.3, 1.0, 4.5}) {
    KeyedStream random(KeyFromSeed(2), "gamma");
    const Moments moments =
        Measure(kDraws, [&] { return std::exp(LogGamma(random, shape)); });
    CHECK(std::abs(moments.mean - shape) < 5 * std::sqrt(shape / kDraws));
    // Variance of the sample variance: (mu4 - sigma^4) / n, mu4 = 3a^2 + 6a.
    const double error = std::sqrt((2 * shape * shape + 6 * shape) / kDraws);
    CHECK(std::abs(moments.variance - shape) < 5 * error);
  }
}

TEST_CASE("Dirichlet shares add up to 1, whatever alpha") {
  KeyedStream random(KeyFromSeed(3), "dirichlet");
  for (const double alpha : {1e-6, 0.01, 0.3, 1.0, 100.0, 1e6}) {
    double sum = 0;
    for (const double share : Dirichlet(random, alpha, 50)) {
      CHECK(share >= 0);
      sum += share;
    }
    CHECK(sum == Approx(1));
  }
}

TEST_CASE("a small alpha gives nearly all to one, a large one equal shares") {
  KeyedStream random(KeyFromSeed(4), "dirichlet");
  const auto skewed = Dirichlet(random, 1e-4, 10);
  CHECK(*std::max_element(skewed.begin(), skewed.end()) > 0.99);
  const auto even = Dirichlet(random, 1e5, 10);
  CHECK(*std::max_element(even.begin(), even.end()) < 0.11);
}

}  // namespace
}  // namespace tributary::simulation
