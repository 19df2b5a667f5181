// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "simulation/dirichlet.h"
#include "simulation/partitions/partitioners.h"
#include "simulation/partitions/shuffle.h"

namespace tributary::simulation {
namespace {

// The logarithm of what a client's share is in proportion to; logarithms,
// because a large sigma or exponent would leave the range of a double.
std::vector<double> LogShares(const v1::Partition::Quantity& plan,
                              std::size_t clients, RandomSource& random) {
  std::vector<double> shares(clients);
  for (std::size_t k = 0; k < clients; ++k) {
    switch (plan.shares_case()) {
      case v1::Partition::Quantity::kDirichletAlpha:
        shares[k] = LogGamma(random, plan.dirichlet_alpha());
        break;
      case v1::Partition::Quantity::kLogNormalSigma:
        shares[k] = plan.log_normal_sigma() * Normal(random);
        break;
      case v1::Partition::Quantity::kPowerLawExponent:
        shares[k] =
            -plan.power_law_exponent() * std::log(static_cast<double>(k + 1));
        break;
      case v1::Partition::Quantity::SHARES_NOT_SET:
        break;  // refused with the plan; all alike
    }
  }
  return shares;
}

}  // namespace

absl::StatusOr<Assignment> AssignQuantities(const v1::Partition::Quantity& plan,
                                            std::size_t examples,
                                            std::size_t clients,
                                            RandomSource& random) {
  const std::size_t fewest = plan.has_min_examples() ? plan.min_examples() : 1;
  if (fewest * clients > examples) {
    return absl::InvalidArgumentError(absl::StrCat(
        "simulation.partition.quantity.min_examples: ", fewest, " for each of ",
        clients, " clients exceeds the ", examples,
        " training examples; have fewer clients, or let clients hold the same "
        "ones (simulation.partition.repeat)"));
  }
  const auto order = ShuffledOrder(examples, random);
  const std::vector<double> shares =
      NormalizedExp(LogShares(plan, clients, random));
  const double spread = static_cast<double>(examples - fewest * clients);
  Assignment client_of(examples);
  double cumulative = 0;
  std::size_t begin = 0;
  for (std::size_t client = 0; client < clients; ++client) {
    cumulative += shares[client];
    const std::size_t drawn = client + 1 == clients
                                  ? static_cast<std::size_t>(spread)
                                  : static_cast<std::size_t>(std::llround(
                                        std::min(1.0, cumulative) * spread));
    const std::size_t end = fewest * (client + 1) + drawn;
    for (; begin < end; ++begin) {
      client_of[order[begin]] = static_cast<std::uint32_t>(client);
    }
  }
  return client_of;
}

}  // namespace tributary::simulation
