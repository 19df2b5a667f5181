// SPDX-License-Identifier: Apache-2.0
// Plans that name a partitioner, and targets to partition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "simulation/partition.h"

namespace tributary::simulation {

inline v1::SimulationPlan PlanFor(std::size_t clients,
                                  const v1::Partition& partition) {
  v1::SimulationPlan plan;
  plan.set_clients(static_cast<std::uint32_t>(clients));
  *plan.mutable_partition() = partition;
  return plan;
}

inline v1::Partition Iid() {
  v1::Partition partition;
  partition.mutable_iid();
  return partition;
}

inline v1::Partition Dirichlet(double alpha, std::uint32_t min_examples) {
  v1::Partition partition;
  partition.mutable_dirichlet()->set_alpha(alpha);
  partition.mutable_dirichlet()->set_min_examples(min_examples);
  return partition;
}

inline v1::Partition Shards(std::uint32_t shards_per_client) {
  v1::Partition partition;
  partition.mutable_shards()->set_shards_per_client(shards_per_client);
  return partition;
}

inline v1::Partition PowerLaw(double exponent, std::uint32_t min_examples) {
  v1::Partition partition;
  partition.mutable_quantity()->set_power_law_exponent(exponent);
  partition.mutable_quantity()->set_min_examples(min_examples);
  return partition;
}

inline v1::Partition LogNormal(double sigma, std::uint32_t min_examples) {
  v1::Partition partition;
  partition.mutable_quantity()->set_log_normal_sigma(sigma);
  partition.mutable_quantity()->set_min_examples(min_examples);
  return partition;
}

inline v1::Partition DirichletSizes(double alpha, std::uint32_t min_examples) {
  v1::Partition partition;
  partition.mutable_quantity()->set_dirichlet_alpha(alpha);
  partition.mutable_quantity()->set_min_examples(min_examples);
  return partition;
}

// 0, 1, ..., classes - 1, 0, 1, ...
inline std::vector<float> Targets(std::size_t examples, int classes) {
  std::vector<float> targets(examples);
  for (std::size_t i = 0; i < examples; ++i) {
    targets[i] = static_cast<float>(i % classes);
  }
  return targets;
}

// Examples as far as partitioners look at them.
inline datasets::Examples WithTargets(std::vector<float> targets) {
  datasets::Examples examples;
  examples.data.targets = std::move(targets);
  return examples;
}

// `owners` owners named a, b, ..., who own examples in turn.
inline datasets::Examples WithOwners(std::size_t examples,
                                     std::uint32_t owners) {
  datasets::Examples owned = WithTargets(Targets(examples, 3));
  for (std::uint32_t i = 0; i < owners; ++i) {
    owned.owners.push_back(std::string(1, static_cast<char>('a' + i)));
  }
  for (std::uint32_t i = 0; i < examples; ++i) {
    owned.owner.push_back(i % owners);
  }
  return owned;
}

inline v1::Partition Natural() {
  v1::Partition partition;
  partition.mutable_natural();
  return partition;
}

inline v1::Partition Groups(v1::Partition::Groups::Order order) {
  v1::Partition partition;
  partition.mutable_groups()->set_order(order);
  return partition;
}

inline std::vector<std::size_t> SizesOf(const Partition& partition) {
  std::vector<std::size_t> sizes;
  for (std::size_t client = 0; client < partition.clients(); ++client) {
    sizes.push_back(partition.Of(client).size());
  }
  return sizes;
}

}  // namespace tributary::simulation
