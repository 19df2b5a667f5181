// SPDX-License-Identifier: Apache-2.0
#include <numeric>
#include <string>

#include "absl/strings/str_cat.h"
#include "simulation/partitions/partitioners.h"
#include "simulation/partitions/shuffle.h"

namespace tributary::simulation {
namespace {

absl::Status CheckOwners(const datasets::Examples& examples,
                         const std::string& key) {
  if (!examples.owners.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      key,
      ": simulation.train does not say whom its examples belong to; use a "
      "format that does, partition.file, or one of the other ways"));
}

}  // namespace

absl::StatusOr<Assignment> AssignToOwners(const datasets::Examples& examples) {
  if (auto status = CheckOwners(examples, "simulation.partition.natural");
      !status.ok()) {
    return status;
  }
  return examples.owner;
}

absl::StatusOr<Assignment> AssignToGroups(const v1::Partition::Groups& plan,
                                          const datasets::Examples& examples,
                                          std::size_t clients,
                                          RandomSource& random) {
  if (auto status = CheckOwners(examples, "simulation.partition.groups");
      !status.ok()) {
    return status;
  }
  const std::size_t owners = examples.owners.size();
  if (clients > owners) {
    return absl::InvalidArgumentError(absl::StrCat(
        "simulation.clients: ", clients, " groups are more than the ", owners,
        " owners of simulation.train; have fewer, or use natural, a client "
        "for each owner"));
  }
  std::vector<std::uint32_t> order(owners);
  std::iota(order.begin(), order.end(), 0u);
  if (plan.order() == v1::Partition::Groups::SHUFFLED) Shuffle(order, random);
  std::vector<std::uint32_t> group_of(owners);
  for (std::size_t group = 0; group < clients; ++group) {
    const std::size_t end = owners * (group + 1) / clients;
    for (std::size_t i = owners * group / clients; i < end; ++i) {
      group_of[order[i]] = static_cast<std::uint32_t>(group);
    }
  }
  Assignment client_of(examples.owner.size());
  for (std::size_t i = 0; i < client_of.size(); ++i) {
    client_of[i] = group_of[examples.owner[i]];
  }
  return client_of;
}

}  // namespace tributary::simulation
