// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/str_cat.h"
#include "simulation/partitions/partitioners.h"
#include "simulation/partitions/shuffle.h"

namespace tributary::simulation {

absl::StatusOr<Assignment> AssignIid(std::size_t examples, std::size_t clients,
                                     RandomSource& random) {
  if (clients > examples) {
    return absl::InvalidArgumentError(absl::StrCat(
        "simulation.clients: ", clients, " exceeds the ", examples,
        " training examples; simulation.partition.repeat lets clients hold the "
        "same ones"));
  }
  const auto order = ShuffledOrder(examples, random);
  Assignment client_of(examples);
  for (std::size_t client = 0; client < clients; ++client) {
    const std::size_t end = examples * (client + 1) / clients;
    for (std::size_t i = examples * client / clients; i < end; ++i) {
      client_of[order[i]] = static_cast<std::uint32_t>(client);
    }
  }
  return client_of;
}

}  // namespace tributary::simulation
