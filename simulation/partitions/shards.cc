// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "simulation/partitions/partitioners.h"
#include "simulation/partitions/shuffle.h"

namespace tributary::simulation {

absl::StatusOr<Assignment> AssignShards(const v1::Partition::Shards& plan,
                                        std::span<const float> targets,
                                        std::size_t clients,
                                        RandomSource& random) {
  const std::size_t examples = targets.size();
  const std::size_t each =
      plan.has_shards_per_client() ? plan.shards_per_client() : 2;
  const std::size_t shards = clients * each;
  if (shards > examples) {
    return absl::InvalidArgumentError(absl::StrCat(
        "simulation.partition.shards.shards_per_client: ", each,
        " for each of ", clients, " clients are more shards than the ",
        examples,
        " training examples; have fewer shards or clients, or let clients hold "
        "the same ones (simulation.partition.repeat)"));
  }
  std::vector<std::uint32_t> order(examples);
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) {
                     return targets[a] < targets[b];
                   });
  const auto dealt = ShuffledOrder(shards, random);
  Assignment client_of(examples);
  for (std::size_t place = 0; place < shards; ++place) {
    const std::size_t shard = dealt[place];
    const std::size_t end = examples * (shard + 1) / shards;
    for (std::size_t i = examples * shard / shards; i < end; ++i) {
      client_of[order[i]] = static_cast<std::uint32_t>(place / each);
    }
  }
  return client_of;
}

}  // namespace tributary::simulation
