// SPDX-License-Identifier: Apache-2.0
#include "simulation/partition.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "aggregation/invariant.h"
#include "proto/codec/attack.h"
#include "simulation/partitions/partitioners.h"

namespace tributary::simulation {
namespace {

// For a number of parts that the plan says.
absl::StatusOr<Assignment> Assign(const v1::Partition& plan,
                                  const datasets::Examples& examples,
                                  std::size_t parts, RandomSource& random) {
  const std::vector<float>& targets = examples.data.targets;
  switch (plan.kind_case()) {
    case v1::Partition::kDirichlet:
      return AssignByDirichlet(plan.dirichlet(), targets, parts, random);
    case v1::Partition::kShards:
      return AssignShards(plan.shards(), targets, parts, random);
    case v1::Partition::kQuantity:
      return AssignQuantities(plan.quantity(), targets.size(), parts, random);
    case v1::Partition::kGroups:
      return AssignToGroups(plan.groups(), examples, parts, random);
    case v1::Partition::kIid:
    case v1::Partition::kNatural:
    case v1::Partition::kFile:
    case v1::Partition::KIND_NOT_SET:
      break;
  }
  return AssignIid(targets.size(), parts, random);
}

absl::StatusOr<Partition> ByOwner(const datasets::Examples& examples,
                                  std::optional<std::size_t> parts,
                                  std::size_t holders) {
  const auto assigned = AssignToOwners(examples);
  if (!assigned.ok()) return assigned.status();
  const std::size_t owners = examples.owners.size();
  if (parts.value_or(owners) != owners) {
    return absl::InvalidArgumentError(absl::StrCat(
        "simulation.clients: ", *parts * holders, ", but simulation.train has ",
        owners, " owners",
        holders > 1 ? absl::StrCat(", each for ", holders, " clients") : "",
        "; leave the key out, or gather owners by partition.groups"));
  }
  return Partition(*assigned, owners, holders);
}

// Of the honest clients.
absl::StatusOr<Partition> PartitionHonest(const v1::SimulationPlan& plan,
                                          const datasets::Examples& examples,
                                          const Key& run_key) {
  const v1::Partition& partition = plan.partition();
  const std::size_t holders = partition.has_repeat() ? partition.repeat() : 1;
  std::optional<std::size_t> parts;
  if (plan.has_clients()) {
    const std::uint32_t adversaries =
        codec::AdversariesAmong(plan, plan.clients());
    const std::size_t honest = plan.clients() - adversaries;
    if (honest % holders != 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "simulation.partition.repeat: simulation.clients ", plan.clients(),
          adversaries > 0 ? absl::StrCat(" less ", adversaries, " adversaries")
                          : "",
          " is no multiple of ", holders));
    }
    parts = honest / holders;
  }
  if (partition.has_natural()) return ByOwner(examples, parts, holders);
  if (partition.has_file()) {
    const auto assigned = AssignFromFile(partition.file(), examples, parts);
    if (!assigned.ok()) return assigned.status();
    return Partition(assigned->client_of, assigned->clients, holders);
  }
  if (!parts) {
    return absl::InvalidArgumentError("simulation.clients: is required");
  }
  KeyedStream random(run_key, "partition");
  const auto assigned = Assign(partition, examples, *parts, random);
  if (!assigned.ok()) return assigned.status();
  return Partition(*assigned, *parts, holders);
}

}  // namespace

// A counting sort: each part's examples come out in the order of the file.
Partition::Partition(std::span<const std::uint32_t> part_of, std::size_t parts,
                     std::size_t holders)
    : examples_(part_of.size()), starts_(parts + 1, 0), holders_(holders) {
  for (const std::uint32_t part : part_of) ++starts_[part + 1];
  for (std::size_t part = 0; part < parts; ++part) {
    starts_[part + 1] += starts_[part];
  }
  for (std::size_t example = 0; example < part_of.size(); ++example) {
    examples_[starts_[part_of[example]]++] =
        static_cast<std::uint32_t>(example);
  }
  // Each start has moved to the next part's.
  for (std::size_t part = parts; part > 0; --part) {
    starts_[part] = starts_[part - 1];
  }
  starts_[0] = 0;
}

Partition::Partition(std::vector<std::uint32_t> examples,
                     std::vector<std::size_t> starts, std::size_t holders)
    : examples_(std::move(examples)),
      starts_(std::move(starts)),
      holders_(holders) {}

std::span<const std::uint32_t> Partition::Of(std::size_t client) const {
  const std::size_t part = client % parts();
  return std::span(examples_).subspan(starts_[part],
                                      starts_[part + 1] - starts_[part]);
}

std::string ClientName(std::size_t client) {
  return absl::StrFormat("client-%04d", client);
}

std::size_t ClientNumber(const std::string& name) {
  constexpr std::size_t kPrefix = 7;  // "client-"
  std::size_t number = 0;
  TRIBUTARY_INVARIANT(
      absl::SimpleAtoi(name.substr(std::min(kPrefix, name.size())), &number),
      ==, true);
  return number;
}

absl::StatusOr<Partition> MakePartition(const v1::SimulationPlan& plan,
                                        const datasets::Examples& examples,
                                        const Key& run_key) {
  const std::size_t count = examples.data.Size();
  if (count > std::numeric_limits<std::uint32_t>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat("simulation.train: ", count,
                     " examples are more than a partition counts (2^32 - 1)"));
  }
  auto partition = PartitionHonest(plan, examples, run_key);
  if (!partition.ok() || !plan.has_attack()) return partition;
  const auto honest = static_cast<std::uint32_t>(partition->honest());
  const std::uint32_t clients = plan.has_clients()
                                    ? plan.clients()
                                    : codec::ClientsWithHonest(plan, honest);
  if (clients == honest) {
    return absl::InvalidArgumentError(
        absl::StrCat("simulation.attack.fraction: ", plan.attack().fraction(),
                     " beside ", honest, " honest clients is no adversary"));
  }
  partition->AddAdversaries(clients - honest);
  return partition;
}

}  // namespace tributary::simulation
