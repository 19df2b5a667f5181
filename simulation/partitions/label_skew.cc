// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <queue>
#include <utility>

#include "absl/strings/str_cat.h"
#include "simulation/dirichlet.h"
#include "simulation/labels.h"
#include "simulation/partitions/partitioners.h"
#include "simulation/partitions/shuffle.h"

namespace tributary::simulation {
namespace {

// Examples in the order of their classes; class c begins at starts[c].
struct ByClass {
  std::vector<std::uint32_t> order;
  std::vector<std::size_t> starts;
};

ByClass SortByClass(const Labels& labels) {
  ByClass sorted{.order = std::vector<std::uint32_t>(labels.of.size()),
                 .starts = std::vector<std::size_t>(labels.classes.size() + 1)};
  for (const std::uint16_t label : labels.of) ++sorted.starts[label + 1];
  for (std::size_t c = 1; c < sorted.starts.size(); ++c) {
    sorted.starts[c] += sorted.starts[c - 1];
  }
  std::vector<std::size_t> next = sorted.starts;
  for (std::size_t i = 0; i < labels.of.size(); ++i) {
    sorted.order[next[labels.of[i]]++] = static_cast<std::uint32_t>(i);
  }
  return sorted;
}

// What each client holds, client after client.
struct Holdings {
  std::vector<std::uint32_t> examples;
  std::vector<std::size_t> starts;
  std::vector<std::uint32_t> sizes;
};

Holdings HoldingsOf(const Assignment& client_of,
                    const std::vector<std::uint32_t>& order,
                    std::size_t clients) {
  Holdings held{.examples = std::vector<std::uint32_t>(order.size()),
                .starts = std::vector<std::size_t>(clients, 0),
                .sizes = std::vector<std::uint32_t>(clients, 0)};
  for (const std::uint32_t client : client_of) ++held.sizes[client];
  for (std::size_t k = 1; k < clients; ++k) {
    held.starts[k] = held.starts[k - 1] + held.sizes[k - 1];
  }
  std::vector<std::size_t> next = held.starts;
  for (const std::uint32_t example : order) {
    held.examples[next[client_of[example]]++] = example;
  }
  return held;
}

// Gives every client at least `fewest`, from whoever has most. Who gives has
// more than `fewest` and who was given has no more than that, so nothing is
// passed on: only what a client held at first is ever looked at.
void Level(Assignment& client_of, const std::vector<std::uint32_t>& order,
           std::size_t clients, std::size_t fewest, RandomSource& random) {
  Holdings held = HoldingsOf(client_of, order, clients);
  using Entry = std::pair<std::uint32_t, std::uint32_t>;  // (size, client)
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> poor;
  std::priority_queue<Entry> rich;
  for (std::uint32_t k = 0; k < clients; ++k) {
    if (held.sizes[k] < fewest) poor.push({held.sizes[k], k});
    if (held.sizes[k] > fewest) rich.push({held.sizes[k], k});
  }
  while (!poor.empty()) {
    const auto [had, poorest] = poor.top();
    const auto [has, richest] = rich.top();
    poor.pop();
    rich.pop();
    std::uint32_t* from = &held.examples[held.starts[richest]];
    std::swap(from[random.Below(has)], from[has - 1]);
    client_of[from[has - 1]] = poorest;
    if (had + 1 < fewest) poor.push({had + 1, poorest});
    if (has - 1 > fewest) rich.push({has - 1, richest});
  }
}

}  // namespace

absl::StatusOr<Assignment> AssignByDirichlet(
    const v1::Partition::Dirichlet& plan, std::span<const float> targets,
    std::size_t clients, RandomSource& random) {
  const auto labels = FindLabels(targets);
  if (!labels.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "simulation.partition.dirichlet: ", labels.status().message(),
        "; use iid or quantity"));
  }
  const std::size_t fewest = plan.has_min_examples() ? plan.min_examples() : 1;
  if (fewest * clients > targets.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "simulation.partition.dirichlet.min_examples: ", fewest,
        " for each of ", clients, " clients exceeds the ", targets.size(),
        " training examples; have fewer clients, or let clients hold the same "
        "ones (simulation.partition.repeat)"));
  }
  ByClass sorted = SortByClass(*labels);
  Assignment client_of(targets.size());
  for (std::size_t c = 0; c + 1 < sorted.starts.size(); ++c) {
    const auto indexes =
        std::span(sorted.order)
            .subspan(sorted.starts[c], sorted.starts[c + 1] - sorted.starts[c]);
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
      for (; begin < cut; ++begin) {
        client_of[indexes[begin]] = static_cast<std::uint32_t>(client);
      }
    }
  }
  Level(client_of, sorted.order, clients, fewest, random);
  return client_of;
}

}  // namespace tributary::simulation
