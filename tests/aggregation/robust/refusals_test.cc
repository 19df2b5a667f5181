// SPDX-License-Identifier: Apache-2.0
// What a recipe refuses, what it reads, and what it holds.
#include <cmath>
#include <map>

#include "tests/aggregation/robust/rounds.h"

#include "tests/catch.h"

namespace tributary::robust {
namespace {

TEST_CASE("too few updates are refused with how many it takes") {
  CHECK(ErrorOf({{}, Krum{.adversaries = 3}}, 8) ==
        "robust.krum: 3 adversaries take at least 9 updates "
        "(n > 2f + 2), there are 8");
  CHECK(ErrorOf({{}, Krum{.adversaries = 3}}, 9).empty());
  CHECK(ErrorOf({{}, TrimmedMean{.adversaries = 4}}, 8) ==
        "robust.trimmed_mean: 4 adversaries take at least 9 "
        "updates (n > 2f), there are 8");
  CHECK(ErrorOf({{}, TrimmedMean{.adversaries = 4}}, 9).empty());
  CHECK(ErrorOf({{}, Bulyan{.adversaries = 2}}, 10) ==
        "robust.bulyan: 2 adversaries take at least 11 updates "
        "(n >= 4f + 3), there are 10");
  CHECK(ErrorOf({{}, Bulyan{.adversaries = 2}}, 11).empty());
  CHECK(ErrorOf({{NearestNeighbourMixing{.adversaries = 5}}, Mean{}}, 10) ==
        "robust.pre_steps.nearest_neighbour_mixing: 5 adversaries take at "
        "least 11 updates (n > 2f), there are 10");
  CHECK(ErrorOf({{}, TrimmedMean{.adversaries = 0xffffffff}}, 100)
            .find("take at least 8589934591 updates") != std::string::npos);
}

TEST_CASE("no updates are refused by every rule") {
  for (const auto& [name, recipe] : AllRecipes()) {
    INFO(name);
    CHECK(!Validate(recipe, 0).ok());
    CHECK(Validate(recipe, 13).ok());
  }
}

TEST_CASE("after bucketing a rule counts buckets") {
  const Recipe recipe{{Bucketing{.size = 2}}, Krum{.adversaries = 5}};
  CHECK(ErrorOf(recipe, 25).empty());  // 13 buckets
  CHECK(ErrorOf(recipe, 24) ==
        "robust.krum: 5 adversaries take at least 13 updates "
        "(n > 2f + 2), there are 12 after bucketing of 24");
}

TEST_CASE("an option out of its range is refused by its key") {
  CHECK(ErrorOf({{}, Krum{.adversaries = 2, .selected = 6}}, 7) ==
        "robust.krum.selected: 6 is not in 1 .. 5 (m is at most n - f)");
  CHECK(!ErrorOf({{}, Krum{.adversaries = 2, .selected = 0}}, 7).empty());
  CHECK(ErrorOf({{Bucketing{.size = 8}}, Mean{}}, 7) ==
        "robust.pre_steps.bucketing.size: 8 is not in 1 .. 7 (at most all "
        "updates in one "
        "bucket)");
  CHECK(!ErrorOf({{Bucketing{.size = 0}}, Mean{}}, 7).empty());
  CHECK(ErrorOf({{NormBound{.norm = 0}}, Mean{}}, 7) ==
        "robust.pre_steps.norm_bound.norm: 0 is not a finite number over 0");
  CHECK(ErrorOf({{}, GeometricMedian{.smoothing = std::nan("")}}, 7) ==
        "robust.geometric_median.smoothing: nan is not a finite number over 0");
  CHECK(ErrorOf({{}, GeometricMedian{.iterations = 0}}, 7) ==
        "robust.geometric_median.iterations: 0 is not in 1 .. 1000 (each is a "
        "pass over all updates)");
  CHECK(ErrorOf({{}, CenteredClipping{.radius = -1}}, 7) ==
        "robust.centered_clipping.radius: -1 is not a finite number over 0");
  CHECK(!ErrorOf({{}, CenteredClipping{.iterations = 1'001}}, 7).empty());
}

std::string AggregateError(const Recipe& recipe,
                           const std::vector<float>& reference) {
  Matrix updates({{1, 2}, {3, 4}, {5, 6}});
  std::vector<float> out(2);
  const auto outcome =
      Aggregate(recipe, {updates, reference}, Execution{}, out);
  return outcome.ok() ? "" : std::string(outcome.status().message());
}

TEST_CASE("a missing, short or needless reference is refused") {
  CHECK(AggregateError({{}, FlTrust{}}, {}) ==
        "robust.fltrust: the root update has 0 coordinates, not 2");
  CHECK(AggregateError({{}, CenteredClipping{}}, {1}) ==
        "robust.centered_clipping: the center has 1 coordinates, not 2");
  CHECK(AggregateError({{}, CoordinateMedian{}}, {1, 2}) ==
        "robust: a reference that this rule does not take has 2 coordinates, "
        "not 0");
  CHECK(AggregateError({{}, FlTrust{}}, {0, 0}) ==
        "robust.fltrust: the root update is zero everywhere, so nothing points "
        "its way; its evaluator needs data to train on");
  CHECK(AggregateError({{}, FlTrust{}}, {1, 1}).empty());
  CHECK(AggregateError({{}, Krum{.adversaries = 1}}, {})
            .starts_with("robust.krum: 1 adversaries take"));
}

// The table of aggregate.h, in rows of 13 updates; Krum reads those that it
// chose a second time, Bulyan its 9, FLTrust those that point the root's way.
TEST_CASE("rules read what they say they read, and hold a block") {
  const std::map<std::string, std::size_t> rows_read = {
      {"mean", 13},
      {"median", 13},
      {"trimmed mean", 13},
      {"Krum", 13 + 1},
      {"multi-Krum", 13 + 4},
      {"Bulyan", 13 + 9},
      {"geometric median", 4 * 13},
      {"centered clipping", 3 * 13},
      {"norm bounding", 2 * 13},
      {"bucketing and median", 13},
      {"mixing and trimmed mean", 2 * 13},
      {"all pre-steps and clipping", 6 * 13}};
  KeyedStream random(KeyFromSeed(3));
  const std::vector<float> ones(3'000, 1.0f);
  for (const auto& [name, recipe] : AllRecipes()) {
    INFO(name);
    Matrix updates(RandomRound(random, 11, 2, ones.size()).All());
    std::vector<float> out(ones.size());
    const auto outcome =
        Aggregate(recipe,
                  {updates,
                   TakesReference(recipe) ? std::span<const float>(ones)
                                          : std::span<const float>(),
                   [&] { return random.Word(); }},
                  {.block_bytes = 13 * 1'024 * sizeof(float)}, out);
    REQUIRE(outcome.ok());
    CHECK(updates.most_held <= 13 * 1'024);
    if (name == "FLTrust") {
      CHECK(updates.rows_read > 13);
      CHECK(updates.rows_read <= 26);
    } else {
      CHECK(updates.rows_read == rows_read.at(name));
    }
  }
}

TEST_CASE("an error of reading ends every rule, whichever read it is") {
  KeyedStream random(KeyFromSeed(4));
  const Rows rows = RandomRound(random, 11, 2, 600).All();
  const std::vector<float> ones(600, 1.0f);
  for (const auto& [name, recipe] : AllRecipes()) {
    for (std::size_t fail_at = 0;; ++fail_at) {
      INFO(name << ", read " << fail_at);
      Matrix updates(rows);
      updates.fail_at = fail_at;
      std::vector<float> out(600);
      const auto outcome =
          Aggregate(recipe,
                    {updates,
                     TakesReference(recipe) ? std::span<const float>(ones)
                                            : std::span<const float>(),
                     [&] { return random.Word(); }},
                    {.block_bytes = 0}, out);
      if (outcome.ok()) {
        CHECK(fail_at >= 3);  // three strips a pass
        break;
      }
      REQUIRE(outcome.status().message() == "the disk is gone");
      REQUIRE(fail_at < 100);
    }
  }
}

}  // namespace
}  // namespace tributary::robust
