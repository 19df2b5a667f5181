// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/target.h"

#include <vector>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

using Points = std::vector<Point>;

TEST_CASE("a target is crossed between two rounds") {
  const Points points = {{1, 0.5}, {2, 0.8}, {4, 0.9}};
  CHECK(*ReachedAt(points, 0.65, Better::kHigher) == Approx(1.5));
  CHECK(*ReachedAt(points, 0.85, Better::kHigher) == Approx(3));
  CHECK(*ReachedAt(points, 0.9, Better::kHigher) == 4);
  CHECK_FALSE(ReachedAt(points, 0.95, Better::kHigher).has_value());
}

TEST_CASE("a target met by the first value is reached there") {
  CHECK(ReachedAt(Points{{3, 0.9}}, 0.5, Better::kHigher) == 3);
  CHECK_FALSE(ReachedAt(Points{}, 0.5, Better::kHigher).has_value());
}

// The paper's curves never fall: 0.6 stays the best until round 4.
TEST_CASE("a value worse than the best so far counts as the best so far") {
  const Points points = {{1, 0.4}, {2, 0.6}, {3, 0.3}, {4, 0.8}};
  CHECK(*ReachedAt(points, 0.7, Better::kHigher) == Approx(3.5));
}

TEST_CASE("losses fall towards their target") {
  const Points points = {{1, 2}, {2, 1}, {3, 1.5}, {4, 0.5}};
  CHECK(BetterOf("loss") == Better::kLower);
  CHECK(BetterOf("loss_worst_tenth") == Better::kLower);
  CHECK(BetterOf("rmse") == Better::kLower);
  CHECK(BetterOf("client_accuracy_stddev") == Better::kLower);
  CHECK(BetterOf("accuracy") == Better::kHigher);
  CHECK(*ReachedAt(points, 0.75, Better::kLower) == Approx(3.5));
  CHECK(*BestOf(points, Better::kLower) == Point{4, 0.5});
}

TEST_CASE("of equally good rounds the first is the best") {
  CHECK(*BestOf(Points{{1, 0.5}, {2, 0.9}, {3, 0.9}}, Better::kHigher) ==
        Point{2, 0.9});
  CHECK_FALSE(BestOf(Points{}, Better::kHigher).has_value());
}

}  // namespace
}  // namespace tributary::simulation
