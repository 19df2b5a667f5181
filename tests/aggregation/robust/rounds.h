// SPDX-License-Identifier: Apache-2.0
// Random rounds for the properties: honest updates around a center, and
// adversaries that send whatever they like; and every recipe there is.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "aggregation/robust/recipe.h"
#include "privacy/crypto/random.h"
#include "tests/aggregation/robust/matrix.h"
#include "tests/aggregation/vectors.h"

namespace tributary::robust {

struct Round {
  Rows honest;
  Rows adversaries;

  Rows All() const {
    Rows rows = honest;
    rows.insert(rows.end(), adversaries.begin(), adversaries.end());
    return rows;
  }
};

// Honest coordinates are multiples of 2^-10 within 1 of a center in [-4, 4], so
// that shifts and sums of them are exact.
inline Round RandomRound(RandomSource& random, std::size_t honest,
                         std::size_t adversaries, std::size_t length) {
  const auto coarse = [&](std::int64_t bound) {
    return static_cast<float>(
               static_cast<std::int64_t>(random.Below(2 * bound + 1)) - bound) /
           1024;
  };
  std::vector<float> center(length);
  for (float& value : center) value = coarse(4096);
  Round round;
  for (std::size_t k = 0; k < honest; ++k) {
    std::vector<float> row = center;
    for (float& value : row) value += coarse(1024);
    round.honest.push_back(std::move(row));
  }
  for (std::size_t k = 0; k < adversaries; ++k) {
    const float reach = std::array{0.5f, 30.0f, 1e4f}[random.Below(3)];
    round.adversaries.push_back(
        aggregation::UniformVector(random, length, reach));
  }
  return round;
}

// For at least 11 updates with 2 adversaries. `unit` scales what is in units of
// the update.
inline std::vector<std::pair<std::string, Recipe>> AllRules(double unit = 1) {
  return {{"mean", {{}, Mean{}}},
          {"median", {{}, CoordinateMedian{}}},
          {"trimmed mean", {{}, TrimmedMean{.adversaries = 2}}},
          {"Krum", {{}, Krum{.adversaries = 2}}},
          {"multi-Krum", {{}, Krum{.adversaries = 2, .selected = 4}}},
          {"Bulyan", {{}, Bulyan{.adversaries = 2}}},
          {"geometric median", {{}, GeometricMedian{.smoothing = 1e-6 * unit}}},
          {"centered clipping",
           {{}, CenteredClipping{.radius = 5 * unit, .iterations = 2}}},
          {"FLTrust", {{}, FlTrust{}}}};
}

inline std::vector<std::pair<std::string, Recipe>> AllRecipes(double unit = 1) {
  auto recipes = AllRules(unit);
  recipes.push_back(
      {"norm bounding", {{NormBound{.norm = 20 * unit}}, Mean{}}});
  recipes.push_back(
      {"bucketing and median", {{Bucketing{.size = 2}}, CoordinateMedian{}}});
  recipes.push_back({"mixing and trimmed mean",
                     {{NearestNeighbourMixing{.adversaries = 2}},
                      TrimmedMean{.adversaries = 2}}});
  recipes.push_back(
      {"all pre-steps and clipping",
       {{NormBound{.norm = 20 * unit}, NearestNeighbourMixing{.adversaries = 2},
         Bucketing{.size = 3}},
        CenteredClipping{.radius = unit, .iterations = 3}}});
  return recipes;
}

// Some take a vector beside the updates.
inline bool TakesReference(const Recipe& recipe) {
  return std::holds_alternative<CenteredClipping>(recipe.rule) ||
         std::holds_alternative<FlTrust>(recipe.rule);
}

}  // namespace tributary::robust
