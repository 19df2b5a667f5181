// SPDX-License-Identifier: Apache-2.0
#include "simulation/partitions/shuffle.h"

#include <numeric>
#include <utility>

namespace tributary::simulation {

void Shuffle(std::span<std::uint32_t> indexes, RandomSource& random) {
  for (std::size_t left = indexes.size(); left > 1; --left) {
    std::swap(indexes[left - 1], indexes[random.Below(left)]);
  }
}

std::vector<std::uint32_t> ShuffledOrder(std::size_t count,
                                         RandomSource& random) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  Shuffle(order, random);
  return order;
}

}  // namespace tributary::simulation
