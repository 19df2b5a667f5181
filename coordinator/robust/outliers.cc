// SPDX-License-Identifier: Apache-2.0
#include "coordinator/robust/outliers.h"

#include <algorithm>
#include <numeric>
#include <variant>

namespace tributary::coordinator {

bool TellsOutliers(const robust::Recipe& recipe, std::size_t updates) {
  const bool is_bucketed =
      std::ranges::any_of(recipe.pre_steps, [](const robust::PreStep& step) {
        return std::holds_alternative<robust::Bucketing>(step);
      });
  if (is_bucketed) return false;
  if (const auto* krum = std::get_if<robust::Krum>(&recipe.rule)) {
    return std::size_t{krum->adversaries} + krum->selected >= updates;
  }
  return std::holds_alternative<robust::Mean>(recipe.rule) ||
         std::holds_alternative<robust::GeometricMedian>(recipe.rule) ||
         std::holds_alternative<robust::CenteredClipping>(recipe.rule) ||
         std::holds_alternative<robust::FlTrust>(recipe.rule);
}

std::vector<std::size_t> OutliersOf(const robust::Recipe& recipe,
                                    std::span<const double> weights,
                                    double part) {
  std::vector<std::size_t> outliers;
  if (!TellsOutliers(recipe, weights.size())) return outliers;
  const double mean = std::accumulate(weights.begin(), weights.end(), 0.0) /
                      static_cast<double>(weights.size());
  for (std::size_t row = 0; row < weights.size(); ++row) {
    if (weights[row] < part * mean) outliers.push_back(row);
  }
  return outliers;
}

}  // namespace tributary::coordinator
