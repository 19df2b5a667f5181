// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/graph.h"

#include <algorithm>
#include <set>

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

Digest Root(std::uint8_t value) {
  Digest root;
  root.bytes.fill(value);
  return root;
}
Key Opening(std::uint8_t value) {
  Key opening;
  opening.fill(value);
  return opening;
}

// Clients that can be reached from the first honest survivor over honest
// survivors.
std::size_t Reached(const std::vector<std::set<Index>>& neighbours,
                    const std::set<Index>& lost) {
  std::set<Index> seen;
  std::vector<Index> next;
  for (Index i = 0; i < neighbours.size() && next.empty(); ++i) {
    if (!lost.contains(i)) next.push_back(i);
  }
  while (!next.empty()) {
    const Index at = next.back();
    next.pop_back();
    if (lost.contains(at) || !seen.insert(at).second) continue;
    next.insert(next.end(), neighbours[at].begin(), neighbours[at].end());
  }
  return seen.size();
}

TEST_CASE("everybody holds for everybody in a complete graph") {
  const Graph graph({GraphKind::kComplete, 4, 3}, 5, Root(1));
  CHECK(graph.Holders(0, Opening(1)) == std::vector<Index>{1, 2, 3, 4});
  CHECK(graph.Holders(2, Opening(1)) == std::vector<Index>{0, 1, 3, 4});
  CHECK(graph.Holders(4, Opening(1)) == std::vector<Index>{0, 1, 2, 3});
}

TEST_CASE("a Harary graph is symmetric and of its degree") {
  const Graph graph({GraphKind::kHarary, 36, 19}, 1000, Root(1));
  std::vector<std::set<Index>> holders;
  for (Index i = 0; i < 1000; ++i) {
    const auto list = graph.Holders(i, Opening(1));
    REQUIRE(std::ranges::is_sorted(list));
    holders.emplace_back(list.begin(), list.end());
    REQUIRE(holders.back().size() == 36);
    REQUIRE_FALSE(holders.back().contains(i));
  }
  for (Index i = 0; i < 1000; ++i) {
    for (const Index j : holders[i]) REQUIRE(holders[j].contains(i));
  }
}

TEST_CASE("another root is another Harary graph") {
  const Graph one({GraphKind::kHarary, 36, 19}, 1000, Root(1));
  const Graph other({GraphKind::kHarary, 36, 19}, 1000, Root(2));
  int same = 0;
  for (Index i = 0; i < 1000; ++i) {
    same += one.Holders(i, {}) == other.Holders(i, {});
  }
  CHECK(same == 0);
}

TEST_CASE("a client chooses its holders by its own randomness and the root") {
  const GraphParameters parameters{GraphKind::kChosen, 78, 52};
  const Graph graph(parameters, 1000, Root(1));
  const auto chosen = graph.Holders(7, Opening(1));
  CHECK(chosen == graph.Holders(7, Opening(1)));
  CHECK(std::set<Index>(chosen.begin(), chosen.end()).size() == 78);
  CHECK(std::ranges::is_sorted(chosen));
  CHECK_FALSE(std::ranges::binary_search(chosen, Index{7}));
  CHECK(chosen.back() < 1000);
  CHECK(chosen != graph.Holders(7, Opening(2)));
  CHECK(chosen != Graph(parameters, 1000, Root(2)).Holders(7, Opening(1)));
}

TEST_CASE("choices are uniform over the others") {
  // 40 of 49 others, 4,000 times: each is chosen 3,265 times on average, with a
  // deviation of 24.5. Beyond 6 deviations: once in 10^7 such tests.
  const Graph graph({GraphKind::kChosen, 40, 30}, 50, Root(3));
  std::vector<int> times(50);
  for (int i = 0; i < 4000; ++i) {
    Key opening{};
    opening[0] = static_cast<std::uint8_t>(i);
    opening[1] = static_cast<std::uint8_t>(i >> 8);
    for (const Index other : graph.Holders(20, opening)) ++times[other];
  }
  CHECK(times[20] == 0);
  for (Index i = 0; i < 50; ++i) {
    if (i != 20) CHECK(std::abs(times[i] - 3265.3) < 147);
  }
}

TEST_CASE("honest survivors stay connected in both sparse graphs") {
  const std::uint32_t clients = 1000;
  for (const GraphParameters parameters :
       {GraphParameters{GraphKind::kHarary, 36, 19},
        GraphParameters{GraphKind::kChosen, 78, 52}}) {
    const Graph graph(parameters, clients, Root(4));
    std::vector<std::set<Index>> neighbours(clients);
    KeyedStream random(KeyFromSeed(1), "openings");
    for (Index i = 0; i < clients; ++i) {
      Key opening;
      random.Fill(opening);
      for (const Index j : graph.Holders(i, opening)) {
        neighbours[i].insert(j);
        neighbours[j].insert(i);
      }
    }
    // The first 150: the graph knows nothing of who is corrupt or drops out.
    std::set<Index> lost;
    for (Index i = 0; i < 150; ++i) lost.insert(i);
    CHECK(Reached(neighbours, lost) == clients - 150);
  }
}

}  // namespace
}  // namespace tributary::secagg
