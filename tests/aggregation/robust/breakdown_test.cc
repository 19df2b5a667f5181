// SPDX-License-Identifier: Apache-2.0
// How far adversaries can move a result, whatever they send: the bounds of
// docs/robustness.md. Passing says that random adversaries at several distances
// did not get over them, not that the worst did not.
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>

#include "tests/aggregation/robust/rounds.h"

#include "tests/catch.h"

namespace tributary::robust {
namespace {

using Vector = std::vector<float>;

double Distance(const Vector& a, const Vector& b) {
  double squared = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    squared += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  }
  return std::sqrt(squared);
}

double Norm(const Vector& a) { return Distance(a, Vector(a.size(), 0.0f)); }

Vector MeanOf(const Rows& rows) { return ResultOf({{}, Mean{}}, rows); }

// Of the honest, the furthest from their mean.
double Radius(const Rows& honest) {
  const Vector mean = MeanOf(honest);
  double radius = 0;
  for (const Vector& row : honest) {
    radius = std::max(radius, Distance(row, mean));
  }
  return radius;
}

// f adversaries among n = 4f + 3 .. updates.
struct Attacked {
  Round round;
  std::uint32_t f;
  std::size_t n;
};

Attacked MakeAttacked(RandomSource& random) {
  const auto f = static_cast<std::uint32_t>(1 + random.Below(4));
  const std::size_t honest = 3 * f + 3 + random.Below(6);
  return {RandomRound(random, honest, f, 1 + random.Below(40)), f, honest + f};
}

// Rows of the honest: the least and the most of a coordinate.
std::pair<float, float> RangeOf(const Rows& rows, std::size_t i) {
  float low = rows[0][i];
  float high = rows[0][i];
  for (const Vector& row : rows) {
    low = std::min(low, row[i]);
    high = std::max(high, row[i]);
  }
  return {low, high};
}

template <typename Property>
bool HoldsUnderAttack(const std::string& name, Property property) {
  return rc::check(name, [&] {
    KeyedStream random(KeyFromSeed(*rc::gen::arbitrary<std::uint64_t>()));
    property(MakeAttacked(random), random);
  });
}

TEST_CASE("median and trimmed mean stay among the honest values") {
  CHECK(
      HoldsUnderAttack("in their range", [](const Attacked& a, RandomSource&) {
        const Rows rows = a.round.All();
        for (const Rule& rule :
             {Rule(CoordinateMedian{}), Rule(TrimmedMean{a.f})}) {
          const Vector result = ResultOf({{}, rule}, rows);
          for (std::size_t i = 0; i < result.size(); ++i) {
            const auto [low, high] = RangeOf(a.round.honest, i);
            RC_ASSERT(low <= result[i] && result[i] <= high);
          }
        }
      }));
}

// A chosen value is no further from the median, which lies among the honest,
// than the furthest honest value.
TEST_CASE("Bulyan stays within a width of the honest values") {
  CHECK(HoldsUnderAttack(
      "in their range, widened", [](const Attacked& a, RandomSource&) {
        const Vector result = ResultOf({{}, Bulyan{a.f}}, a.round.All());
        for (std::size_t i = 0; i < result.size(); ++i) {
          const auto [low, high] = RangeOf(a.round.honest, i);
          const float width = high - low;
          RC_ASSERT(low - width <= result[i] && result[i] <= high + width);
        }
      }));
}

// If an adversary is chosen, n - 2f - 1 honest ones at least are among its
// neighbours, and its score is no higher than that of an honest update, whose
// distances are at most 2r.
TEST_CASE("what Krum chooses stands near an honest update") {
  CHECK(HoldsUnderAttack(
      "at most 2 r sqrt((n-f-2) / (n-2f-1)) away",
      [](const Attacked& a, RandomSource&) {
        const Vector result = ResultOf({{}, Krum{a.f}}, a.round.All());
        double nearest = Distance(result, a.round.honest[0]);
        for (const Vector& row : a.round.honest) {
          nearest = std::min(nearest, Distance(result, row));
        }
        const double n = static_cast<double>(a.n);
        RC_ASSERT(nearest <=
                  2 * Radius(a.round.honest) *
                          std::sqrt((n - a.f - 2) / (n - 2 * a.f - 1)) +
                      1e-5);
      }));
}

// Pillutla et al. 2022, after Lopuhaa and Rousseeuw 1991.
TEST_CASE("the geometric median is within 2 (n-f) / (n-2f) radii") {
  CHECK(HoldsUnderAttack("of the honest mean", [](const Attacked& a,
                                                  RandomSource&) {
    const Vector result =
        ResultOf({{}, GeometricMedian{.iterations = 100, .smoothing = 1e-9}},
                 a.round.All());
    const double n = static_cast<double>(a.n);
    RC_ASSERT(Distance(result, MeanOf(a.round.honest)) <=
              1.01 * 2 * (n - a.f) / (n - 2 * a.f) * Radius(a.round.honest) +
                  1e-5);
  }));
}

TEST_CASE("adversaries move a clipped result by 2 tau f / n at most") {
  CHECK(HoldsUnderAttack(
      "an iteration, whatever they send instead",
      [](const Attacked& a, RandomSource& random) {
        const Vector center = a.round.honest[0];
        const double tau = 0.5 + 5 * random.Uniform();
        Round other = a.round;
        other.adversaries =
            RandomRound(random, 0, a.f, center.size()).adversaries;
        const Recipe recipe{{}, CenteredClipping{.radius = tau}};
        const Vector result = ResultOf(recipe, a.round.All(), center);
        RC_ASSERT(Distance(result, ResultOf(recipe, other.All(), center)) <=
                  2 * tau * a.f / static_cast<double>(a.n) + 1e-5);
        RC_ASSERT(Distance(result, center) <= tau + 1e-5);
      }));
}

TEST_CASE("norms of a norm-bounded mean and of FLTrust are bounded") {
  CHECK(HoldsUnderAttack(
      "by the bound and by the root's",
      [](const Attacked& a, RandomSource& random) {
        const double bound = 0.1 + random.Uniform();
        RC_ASSERT(Norm(ResultOf({{NormBound{bound}}, Mean{}}, a.round.All())) <=
                  bound * (1 + 1e-6));
        const Vector root = a.round.honest[0];
        const Vector result = ResultOf({{}, FlTrust{}}, a.round.All(), root);
        RC_ASSERT(Norm(result) <= Norm(root) * (1 + 1e-6));
        double product = 0;
        for (std::size_t i = 0; i < root.size(); ++i) {
          product += double{root[i]} * result[i];
        }
        RC_ASSERT(product >= 0);
      }));
}

}  // namespace
}  // namespace tributary::robust
