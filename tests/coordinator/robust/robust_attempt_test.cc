// SPDX-License-Identifier: Apache-2.0
// How an attempt ends under a robust rule: which stream buckets are drawn from,
// and who is told to be an outlier.
#include "coordinator/robust/robust_attempt.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "aggregation/release.h"
#include "tests/aggregation/robust/matrix.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using Clients = std::vector<round::ClientId>;

const robust::Rows kRows = {{0, 1}, {0.125F, 1}, {0, 1.125F}, {0, 1}, {8, -8}};
const Clients kClients = {{"ann"}, {"bob"}, {"cid"}, {"dan"}, {"mal"}};

RobustResult End(const robust::Recipe& recipe, int round = 1, int attempt = 0) {
  const aggregation::Layout layout{
      .trainable = 2,
      .length = 2,
      .parameters =
          *aggregation::Grid::Make({.max_abs = 8, .max_weight = 1, .bits = 20}),
      .buffers = *aggregation::Grid::Make(
          {.max_abs = 8, .max_weight = 1, .bits = 20})};
  robust::Matrix updates(kRows);
  const Key key = KeyFromSeed(1);
  return EndAttempt({.recipe = recipe,
                     .outlier_weight = 0.1,
                     .run_key = key,
                     .round = round,
                     .attempt = attempt},
                    {.updates = updates, .clients = kClients, .layout = layout},
                    {})
      .value();
}

std::vector<float> ModelOf(RobustResult result) {
  std::vector<float> model(2);
  aggregation::Release(std::move(result.sum), aggregation::FedAvg{})
      .Block(0, model, {});
  return model;
}

TEST_CASE("an outlier is told by its client, or nothing is told") {
  CHECK(End({{}, robust::GeometricMedian{}}).outliers == Clients{{"mal"}});
  CHECK(End({{robust::NormBound{.norm = 100}}, robust::Mean{}}).outliers ==
        Clients{});
  CHECK(End({{}, robust::CoordinateMedian{}}).outliers == std::nullopt);
}

TEST_CASE("buckets are others in each round and attempt, and the same again") {
  const robust::Recipe recipe{{robust::Bucketing{.size = 2}},
                              robust::CoordinateMedian{}};
  std::set<std::vector<float>> rounds;
  std::set<std::vector<float>> attempts;
  for (int i = 1; i <= 20; ++i) {
    rounds.insert(ModelOf(End(recipe, i, 1)));
    attempts.insert(ModelOf(End(recipe, 1, i)));
    CHECK(ModelOf(End(recipe, i, i)) == ModelOf(End(recipe, i, i)));
  }
  CHECK(rounds.size() > 1);
  CHECK(attempts.size() > 1);
}

}  // namespace
}  // namespace tributary::coordinator
