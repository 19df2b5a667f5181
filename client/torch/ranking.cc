// SPDX-License-Identifier: Apache-2.0
#include "client/torch/ranking.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace tributary::torch_internal {

std::optional<double> AreaUnderCurve(std::span<const float> scores,
                                     std::span<const float> labels) {
  std::vector<std::pair<float, bool>> ranked;
  ranked.reserve(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (labels[i] != 0 && labels[i] != 1) return std::nullopt;
    ranked.emplace_back(scores[i], labels[i] == 1);
  }
  std::ranges::sort(ranked);
  double negatives = 0;  // below the tie at hand
  double positives = 0;
  double pairs = 0;  // in the right order; ties half
  for (std::size_t first = 0; first < ranked.size();) {
    double tied[2] = {};
    std::size_t end = first;
    for (; end < ranked.size() && ranked[end].first == ranked[first].first;
         ++end) {
      ++tied[ranked[end].second ? 1 : 0];
    }
    pairs += tied[1] * (negatives + tied[0] / 2);
    negatives += tied[0];
    positives += tied[1];
    first = end;
  }
  if (negatives == 0 || positives == 0) return std::nullopt;
  return pairs / (negatives * positives);
}

}  // namespace tributary::torch_internal
