// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/poisson_draws.h"

#include <rapidcheck.h>

#include <cmath>

#include "tests/catch.h"

namespace tributary::dp {
namespace {

// P(X = count), X binomial.
double Probability(std::int64_t trials, double rate, std::int64_t count) {
  const auto n = static_cast<double>(trials);
  const auto k = static_cast<double>(count);
  return std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) -
                  std::lgamma(n - k + 1) + k * std::log(rate) +
                  (n - k) * std::log1p(-rate));
}

double Fewer(std::int64_t trials, double rate, std::int64_t minimum) {
  double sum = 0;
  for (std::int64_t count = 0; count < minimum; ++count) {
    sum += Probability(trials, rate, count);
  }
  return sum;
}

TEST_CASE("the bound on small draws holds, and is no wild one") {
  for (const auto& [population, cohort] :
       {std::pair{2'000, 100}, {10'000, 40}, {100'000, 10'000}, {300, 150}}) {
    const double rate = cohort / static_cast<double>(population);
    for (const double below : {3.0, 4.0, 5.0, 6.0}) {
      const auto minimum =
          static_cast<std::int64_t>(cohort - below * std::sqrt(cohort));
      const double bound = SmallDrawBound(cohort, minimum);
      INFO(population << " " << cohort << " " << minimum);
      CHECK(bound >= Fewer(population, rate, minimum));
      // Coins vary less than a Poisson number, which the bound is for.
      if (rate < 0.1) CHECK(bound <= 40 * Fewer(population, rate, minimum));
    }
  }
  CHECK(SmallDrawBound(100, 1) == std::exp(-100.0));  // nobody is drawn
  CHECK(SmallDrawBound(100, 0) == 0);
  CHECK(SmallDrawBound(100, 101) == 1);
}

// Exact binomials, all draws of a run: what they add to delta.
TEST_CASE("no draws that are thrown away add a hundredth of delta") {
  CHECK(rc::check([] {
    const std::int64_t population = *rc::gen::inRange(40, 20'000);
    const std::int64_t cohort =
        *rc::gen::inRange<std::int64_t>(20, population + 1);
    const PoissonDraws draws{.population = population,
                             .cohort = cohort,
                             .rounds = *rc::gen::inRange(1, 10'000),
                             .attempts = *rc::gen::inRange(1, 11),
                             .delta = std::pow(10, -*rc::gen::inRange(4, 12))};
    const std::int64_t waiting =
        *rc::gen::inRange<std::int64_t>(20, population + 1);
    const std::int64_t most = draws.LargestMinimum(waiting);
    RC_ASSERT(most >= 0);
    RC_ASSERT(most < cohort);
    if (most == 0) return;
    const double rate = draws.Rate();
    if (rate < 1) {
      const double saved = rate * Probability(waiting, rate, most - 1);
      RC_ASSERT(static_cast<double>(draws.rounds * draws.attempts) * saved <=
                0.01 * draws.delta);
    }
    // The two are each other's inverse, as integers go.
    RC_ASSERT(draws.LeastWaiting(most) <= waiting);
    RC_ASSERT(draws.LeastWaiting(most + 1) > waiting);
  }));
}

TEST_CASE("more draws or a smaller delta want a smaller minimum") {
  const PoissonDraws demo{.population = 2'000,
                          .cohort = 100,
                          .rounds = 12,
                          .attempts = 10,
                          .delta = 1e-4};
  CHECK(demo.LargestMinimum(2'000) == 50);
  CHECK(demo.LargestMinimum(1'800) == 43);
  CHECK(demo.LeastWaiting(43) == 1'786);
  CHECK(demo.LeastWaiting(50) == 1'983);
  CHECK(demo.LeastWaiting(51) == 2'001);  // more than there are
  PoissonDraws longer = demo;
  longer.rounds = 1'200;
  CHECK(longer.LargestMinimum(2'000) == 44);
  PoissonDraws stricter = demo;
  stricter.delta = 1e-9;
  CHECK(stricter.LargestMinimum(2'000) == 37);
  PoissonDraws none = demo;
  none.delta = 0;
  CHECK(none.LargestMinimum(2'000) == 0);
}

}  // namespace
}  // namespace tributary::dp
