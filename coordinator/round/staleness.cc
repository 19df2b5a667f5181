// SPDX-License-Identifier: Apache-2.0
#include "coordinator/round/staleness.h"

#include <algorithm>
#include <cmath>

namespace tributary::round {

std::uint32_t StalenessWeight(int staleness, double exponent,
                              std::uint32_t whole) {
  const double share = std::pow(1.0 + staleness, -exponent);
  return std::max<std::uint32_t>(
      1, static_cast<std::uint32_t>(std::lround(share * whole)));
}

}  // namespace tributary::round
