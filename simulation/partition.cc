// SPDX-License-Identifier: Apache-2.0
#include "simulation/partition.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "simulation/dirichlet.h"

namespace tributary::simulation {
namespace {

using Indexes = std::vector<std::uint32_t>;

void Shuffle(Indexes& indexes, RandomSource& random) {
  for (std::size_t left = indexes.size(); left > 1; --left) {
    std::swap(indexes[left - 1], indexes[random.Below(left)]);
  }
}

std::vector<Indexes> Iid(std::size_t examples, std::size_t clients,
                         RandomSource& random) {
  Indexes order(examples);
  std::iota(order.begin(), order.end(), 0u);
  Shuffle(order, random);
  std::vector<Indexes> parts(clients);
  for (std::size_t client = 0; client < clients; ++client) {
    const std::size_t begin = examples * client / clients;
    const std::size_t end = examples * (client + 1) / clients;
    parts[client].assign(order.begin() + begin, order.begin() + end);
  }
  return parts;
}

absl::StatusOr<std::map<int, Indexes>> ByClass(std::span<const float> targets) {
  std::map<int, Indexes> classes;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const float target = targets[i];
    if (!(target >= 0 && target <= 65535) || target != std::floor(target)) {
      return absl::InvalidArgumentError(
          absl::StrCat("simulation.partition.dirichlet: target ", target,
                       " of example ", i, " is not a class; use iid"));
    }
    classes[static_cast<int>(target)].push_back(static_cast<std::uint32_t>(i));
  }
  return classes;
}

// Gives every client at least `fewest`, from whoever has most.
void Level(std::vector<Indexes>& parts, std::size_t fewest,
           RandomSource& random) {
  std::set<std::pair<std::size_t, std::size_t>> sizes;  // (size, client)
  for (std::size_t k = 0; k < parts.size(); ++k) {
    sizes.insert({parts[k].size(), k});
  }
  while (sizes.begin()->first < fewest) {
    const std::size_t poorest = sizes.begin()->second;
    const std::size_t richest = sizes.rbegin()->second;
    sizes.erase(sizes.begin());
    sizes.erase(std::prev(sizes.end()));
    Indexes& from = parts[richest];
    std::swap(from[random.Below(from.size())], from.back());
    parts[poorest].push_back(from.back());
    from.pop_back();
    sizes.insert({parts[poorest].size(), poorest});
    sizes.insert({from.size(), richest});
  }
}

absl::StatusOr<std::vector<Indexes>> LabelSkew(
    const v1::Partition::Dirichlet& plan, std::span<const float> targets,
    std::size_t clients, RandomSource& random) {
  auto classes = ByClass(targets);
  if (!classes.ok()) return classes.status();
  const std::size_t fewest = plan.has_min_examples() ? plan.min_examples() : 1;
  if (fewest * clients > targets.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("simulation.partition.dirichlet.min_examples: ", fewest,
                     " for each of ", clients, " clients exceeds the ",
                     targets.size(), " training examples"));
  }
  std::vector<Indexes> parts(clients);
  for (auto& [label, indexes] : *classes) {
    Shuffle(indexes, random);
    const std::vector<double> shares = Dirichlet(random, plan.alpha(), clients);
    // Cutting at rounded cumulative shares gives every example away once.
    const double count = static_cast<double>(indexes.size());
    double cumulative = 0;
    std::size_t begin = 0;
    for (std::size_t client = 0; client < clients; ++client) {
      cumulative += shares[client];
      const std::size_t cut = client + 1 == clients
                                  ? indexes.size()
                                  : static_cast<std::size_t>(std::lround(
                                        std::min(1.0, cumulative) * count));
      parts[client].insert(parts[client].end(), indexes.begin() + begin,
                           indexes.begin() + cut);
      begin = cut;
    }
  }
  Level(parts, fewest, random);
  return parts;
}

}  // namespace

Partition::Partition(std::vector<std::vector<std::uint32_t>> clients) {
  starts_.reserve(clients.size() + 1);
  for (auto& indexes : clients) {
    std::sort(indexes.begin(), indexes.end());
    examples_.insert(examples_.end(), indexes.begin(), indexes.end());
    starts_.push_back(examples_.size());
  }
}

std::span<const std::uint32_t> Partition::Of(std::size_t client) const {
  return std::span(examples_).subspan(starts_[client],
                                      starts_[client + 1] - starts_[client]);
}

std::string ClientName(std::size_t client) {
  return absl::StrFormat("client-%04d", client);
}

absl::StatusOr<Partition> MakePartition(const v1::SimulationPlan& plan,
                                        std::span<const float> targets,
                                        const Key& run_key) {
  KeyedStream random(run_key, "partition");
  if (plan.partition().has_dirichlet()) {
    auto parts = LabelSkew(plan.partition().dirichlet(), targets,
                           plan.clients(), random);
    if (!parts.ok()) return parts.status();
    return Partition(*std::move(parts));
  }
  if (plan.clients() > targets.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("simulation.clients: ", plan.clients(), " exceeds the ",
                     targets.size(), " training examples"));
  }
  return Partition(Iid(targets.size(), plan.clients(), random));
}

}  // namespace tributary::simulation
