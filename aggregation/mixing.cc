// SPDX-License-Identifier: Apache-2.0
#include "aggregation/mixing.h"

#include <cstddef>

#include "aggregation/invariant.h"

namespace tributary::aggregation {

void Mix(double share, std::span<float> weights, std::span<const float> other) {
  TRIBUTARY_INVARIANT(weights.size(), ==, other.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] =
        static_cast<float>((1 - share) * weights[i] + share * other[i]);
  }
}

}  // namespace tributary::aggregation
