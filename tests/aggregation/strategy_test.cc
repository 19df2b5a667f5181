// SPDX-License-Identifier: Apache-2.0
// Known answers are the papers' formulas over numbers that floats hold exactly.
#include "aggregation/strategy.h"

#include <array>
#include <vector>

#include "aggregation/release.h"
#include "tests/aggregation/vectors.h"

#include "tests/catch.h"

namespace tributary::aggregation {
namespace {

using Vector = std::vector<float>;

struct Contribution {
  std::uint32_t weight;
  Vector update;  // two parameters, one buffer, then the auxiliary part
};

Layout LayoutWith(std::size_t auxiliary) {
  Layout layout{2, 3 + auxiliary, *Grid::Make({4, 16}), *Grid::Make({4, 16})};
  if (auxiliary > 0) {
    layout.auxiliary = *Grid::Make({64, 16});
    layout.auxiliary_length = auxiliary;
  }
  return layout;
}

struct Server {
  Strategy strategy;
  ServerOptimizer optimizer = FedAvg{};
  std::size_t auxiliary = 0;
  Vector model;                    // with its auxiliary part
  std::vector<Vector> state = {};  // of the trainable part

  void Round(const std::vector<Contribution>& contributions) {
    const Layout layout = LayoutWith(auxiliary);
    ExactSum sum(layout);
    for (const Contribution& one : contributions) {
      REQUIRE(CheckBlock(layout, 0, one.update) == BlockDefect::kNone);
      sum.AddBlock(0, one.update, one.weight);
      sum.AddContribution(one.weight);
    }
    state.resize(static_cast<std::size_t>(StateVectors(optimizer) +
                                          StateVectors(strategy)),
                 Vector(2, 0.0f));
    const std::vector<std::span<float>> spans(state.begin(), state.end());
    Release(std::move(sum), optimizer, strategy).Block(0, model, spans);
  }
};

// Two clients with p = (1/4, 3/4) and tau = (2, 5) steps of -1/8 and +1/8:
// tau_eff = 17/4, sum p d = 1/16.
TEST_CASE("FedNova moves by the mean step times the mean number of steps") {
  Server server{.strategy = FedNova{}, .auxiliary = 1, .model = {1, 0, 2, 0}};
  server.Round({{1, {-0.125f, 0, 1, 2}}, {3, {0.125f, 0, 1, 5}}});
  CHECK(server.model == Vector{1 + 4.25f * 0.0625f, 0, 3, 4.25f});
}

TEST_CASE("FedNova goes through the server optimizer") {
  Server server{.strategy = FedNova{},
                .optimizer = FedAvgM{.learning_rate = 1, .momentum = 0.5},
                .auxiliary = 1,
                .model = {0, 0, 0, 0}};
  server.Round({{1, {0.25f, 0, 0, 4}}});
  server.Round({{1, {0.25f, 0, 0, 2}}});
  CHECK(server.model == Vector{1 + 1, 0, 0, 2});
}

// Li et al. 2020, algorithm 2: w - sum Delta / sum h.
TEST_CASE("q-FedAvg divides by the mean normaliser") {
  Server server{.strategy = QFedAvg{}, .auxiliary = 1, .model = {1, 1, 0, 0}};
  server.Round({{1, {0.5f, -1, 1, 2}}, {1, {0.5f, 0, 3, 6}}});
  CHECK(server.model == Vector{1.125f, 0.875f, 2, 4});
}

TEST_CASE("normalisers that cancel out do not move the model") {
  Server server{.strategy = QFedAvg{}, .auxiliary = 1, .model = {1, 1, 0, 0}};
  server.Round({{1, {0.5f, -1, 1, 2}}, {1, {0.5f, 0, 1, -2}}});
  CHECK(server.model == Vector{1, 1, 1, 0});
}

// Karimireddy et al. 2020, (5): c + |S|/N mean of the changes.
TEST_CASE("SCAFFOLD moves the control by the cohort's share of the change") {
  Server server{.strategy = Scaffold{.clients = 8},
                .auxiliary = 2,
                .model = {1, 0, 0, 10, 20}};
  server.Round({{1, {0.5f, 0, 0, 2, 4}}, {1, {-0.25f, 0, 0, 6, -4}}});
  CHECK(server.model == Vector{1.125f, 0, 0, 10 + 0.25f * 4, 20});
}

// Acar et al. 2021, algorithm 1, with alpha = 1/2, |P| = 2 of m = 4 clients and
// two rounds of the mean delta 1/2: h = -1/8, then -1/4.
TEST_CASE("FedDyn adds the state of all rounds to the mean") {
  Server server{.strategy = FedDyn{.alpha = 0.5, .clients = 4},
                .model = {0, 0, 0}};
  const std::vector<Contribution> round = {{1, {1, 0, 0}}, {1, {0, 0, 0}}};
  server.Round(round);
  CHECK(server.state[0] == Vector{-0.125f, 0});
  CHECK(server.model == Vector{0.5f + 0.25f, 0, 0});
  server.Round(round);
  CHECK(server.state[0] == Vector{-0.25f, 0});
  CHECK(server.model == Vector{0.75f + 0.5f + 0.5f, 0, 0});
}

TEST_CASE("more contributions than clients count as all of them") {
  Server server{.strategy = Scaffold{.clients = 1},
                .auxiliary = 2,
                .model = {0, 0, 0, 0, 0}};
  server.Round({{1, {0, 0, 0, 1, 0}}, {1, {0, 0, 0, 3, 0}}});
  CHECK(server.model == Vector{0, 0, 0, 2, 0});
}

TEST_CASE("an auxiliary value over its own bound is refused") {
  const Layout layout = LayoutWith(1);
  CHECK(CheckBlock(layout, 0, Vector{4, 4, 4, 64}) == BlockDefect::kNone);
  CHECK(CheckBlock(layout, 0, Vector{4, 4, 4, 65}) == BlockDefect::kOverBound);
  CHECK(CheckBlock(layout, 2, Vector{5, 64}) == BlockDefect::kOverBound);
  CHECK(CheckBlock(layout, 3, Vector{64}) == BlockDefect::kNone);
}

TEST_CASE("strategies take the same step to the bit wherever blocks are cut") {
  constexpr std::size_t kTrainable = 300;
  constexpr std::size_t kBuffers = 40;
  KeyedStream random(KeyFromSeed(5));
  const std::array<std::pair<Strategy, std::size_t>, 5> strategies{{
      {NoStrategy{}, 0},
      {FedNova{}, 1},
      {QFedAvg{}, 1},
      {Scaffold{.clients = 7}, kTrainable},
      {FedDyn{.alpha = 0.3, .clients = 7}, 0},
  }};
  for (const auto& [strategy, auxiliary] : strategies) {
    const std::size_t length = kTrainable + kBuffers + auxiliary;
    Layout layout{kTrainable, length, *Grid::Make({1, 16}),
                  *Grid::Make({1, 16})};
    if (auxiliary > 0) {
      layout.auxiliary = *Grid::Make({2, 16});
      layout.auxiliary_length = auxiliary;
    }
    ExactSum sum(layout);
    for (std::uint32_t weight = 1; weight < 4; ++weight) {
      sum.AddBlock(0, UniformVector(random, length, 1), weight);
      sum.AddContribution(weight);
    }
    const Vector before = UniformVector(random, length, 1);
    const Vector h = UniformVector(random, kTrainable, 1);
    const auto released = [&](std::size_t longest) {
      const Release release(ExactSum(sum), FedAvg{}, strategy);
      Vector after = before;
      std::vector<Vector> state(StateVectors(strategy), h);
      for (std::size_t first = 0; first < length;) {
        const std::size_t count =
            std::min(length - first, 1 + random.Below(longest));
        std::vector<std::span<float>> parts;
        for (Vector& vector : state) {
          const std::size_t begin = std::min(first, kTrainable);
          parts.push_back(std::span(vector).subspan(
              begin, std::min(first + count, kTrainable) - begin));
        }
        release.Block(first, std::span(after).subspan(first, count), parts);
        first += count;
      }
      return after;
    };
    const Vector whole = released(1);
    CHECK(HasSameBits(released(1'000), whole));
    CHECK(HasSameBits(released(37), whole));
    CHECK_FALSE(HasSameBits(whole, before));
  }
}

}  // namespace
}  // namespace tributary::aggregation
