// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/graph.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

namespace tributary::secagg {

Graph::Graph(const GraphParameters& parameters, std::uint32_t clients,
             const Digest& root)
    : parameters_(parameters), clients_(clients), root_(root) {
  if (parameters.kind != GraphKind::kHarary) return;
  ring_.resize(clients);
  std::iota(ring_.begin(), ring_.end(), Index{0});
  KeyedStream random(root.bytes, "tributary/secagg/v1/ring");
  for (std::uint32_t i = clients; i > 1; --i) {
    std::swap(ring_[i - 1], ring_[random.Below(i)]);
  }
  place_.resize(clients);
  for (std::uint32_t i = 0; i < clients; ++i) place_[ring_[i]] = i;
}

std::vector<Index> Graph::Holders(Index client, const Key& opening) const {
  switch (parameters_.kind) {
    case GraphKind::kHarary:
      return OnRing(client);
    case GraphKind::kChosen:
      return Chosen(client, opening);
    case GraphKind::kComplete:
      break;
  }
  std::vector<Index> others(clients_);
  std::iota(others.begin(), others.end(), Index{0});
  others.erase(others.begin() + client);
  return others;
}

std::vector<std::uint32_t> Graph::Places(std::span<const Index> holders) const {
  std::vector<std::uint32_t> places(holders.begin(), holders.end());
  if (parameters_.kind != GraphKind::kComplete) {
    std::iota(places.begin(), places.end(), 0U);
  }
  return places;
}

std::vector<Index> Graph::OnRing(Index client) const {
  std::vector<Index> nearest;
  for (std::uint32_t step = 1; step <= parameters_.degree / 2; ++step) {
    nearest.push_back(ring_[(place_[client] + step) % clients_]);
    nearest.push_back(ring_[(place_[client] + clients_ - step) % clients_]);
  }
  std::ranges::sort(nearest);
  return nearest;
}

std::vector<Index> Graph::Chosen(Index client, const Key& opening) const {
  KeyedStream random(
      opening, "tributary/secagg/v1/choice/" + std::string(root_.AsBytes()));
  std::vector<Index> chosen;
  chosen.reserve(parameters_.degree);
  while (chosen.size() < parameters_.degree) {
    auto other = static_cast<Index>(random.Below(clients_ - 1));
    if (other >= client) ++other;
    const auto at = std::ranges::lower_bound(chosen, other);
    if (at == chosen.end() || *at != other) chosen.insert(at, other);
  }
  return chosen;
}

}  // namespace tributary::secagg
