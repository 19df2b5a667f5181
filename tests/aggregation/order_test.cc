// SPDX-License-Identifier: Apache-2.0
// Promise 2: the same updates give the same bits, whatever the order, the
// threads, the blocks and the tree in which they are added.
#include <rapidcheck.h>

#include <algorithm>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "aggregation/release.h"
#include "tests/aggregation/vectors.h"

#include "tests/catch.h"

namespace tributary::aggregation {
namespace {

struct Contribution {
  std::vector<float> values;
  std::uint32_t weight;
};

struct Round {
  Layout layout;
  std::vector<Contribution> contributions;
  std::vector<float> weights;
};

Round MakeRound(RandomSource& random) {
  const std::size_t length = 1 + random.Below(5'000);
  const auto max_weight = static_cast<std::uint32_t>(1 + random.Below(2'000));
  Round round{MakeLayout(length, 0.25, max_weight), {}, {}};
  const std::uint64_t count = 1 + random.Below(12);
  for (std::uint64_t k = 0; k < count; ++k) {
    round.contributions.push_back(
        {UniformVector(random, length, 0.25f),
         static_cast<std::uint32_t>(1 + random.Below(max_weight))});
  }
  round.weights = UniformVector(random, length, 2);
  return round;
}

template <typename Value>
void Shuffle(RandomSource& random, std::vector<Value>& values) {
  for (std::size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[random.Below(i)]);
  }
}

// Increasing cuts of [0, length), both ends among them.
std::vector<std::size_t> Cuts(RandomSource& random, std::size_t length,
                              std::size_t pieces) {
  std::vector<std::size_t> cuts = {0, length};
  for (std::size_t i = 1; i < pieces; ++i) {
    cuts.push_back(random.Below(length + 1));
  }
  std::ranges::sort(cuts);
  return cuts;
}

ExactSum SumInOrder(const Round& round, std::span<const std::size_t> order) {
  ExactSum sum(round.layout);
  for (const std::size_t k : order) {
    const Contribution& contribution = round.contributions[k];
    sum.AddBlock(0, contribution.values, contribution.weight);
    sum.AddContribution(contribution.weight);
  }
  return sum;
}

// Each thread has a range of the coordinates for itself.
ExactSum SumByRanges(const Round& round, RandomSource& random,
                     std::size_t threads) {
  ExactSum sum(round.layout);
  const std::vector<std::size_t> cuts =
      Cuts(random, round.layout.length, threads);
  std::vector<std::thread> running;
  for (std::size_t t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      for (const Contribution& contribution : round.contributions) {
        sum.AddBlock(cuts[t],
                     std::span(contribution.values)
                         .subspan(cuts[t], cuts[t + 1] - cuts[t]),
                     contribution.weight);
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  for (const Contribution& contribution : round.contributions) {
    sum.AddContribution(contribution.weight);
  }
  return sum;
}

// Each thread has some of the contributions and a sum of its own; then the sums
// are merged two by two in any order, as in a tree of aggregators.
ExactSum SumByTree(const Round& round, RandomSource& random,
                   std::size_t threads) {
  std::vector<std::size_t> order(round.contributions.size());
  std::iota(order.begin(), order.end(), 0);
  Shuffle(random, order);
  const std::vector<std::size_t> cuts = Cuts(random, order.size(), threads);
  std::vector<ExactSum> sums(threads, ExactSum(round.layout));
  std::vector<std::thread> running;
  for (std::size_t t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      sums[t] = SumInOrder(
          round, std::span(order).subspan(cuts[t], cuts[t + 1] - cuts[t]));
    });
  }
  for (std::thread& thread : running) thread.join();
  while (sums.size() > 1) {
    Shuffle(random, sums);
    sums[sums.size() - 2].Merge(sums.back());
    sums.pop_back();
  }
  return std::move(sums.front());
}

bool IsSame(const ExactSum& a, const ExactSum& b) {
  return std::ranges::equal(a.sums(), b.sums()) && a.weight() == b.weight() &&
         a.contributions() == b.contributions();
}

struct Released {
  std::vector<float> weights;
  std::vector<std::vector<float>> state;
};

Released ReleaseOnThreads(const Round& round, ExactSum&& sum,
                          const ServerOptimizer& optimizer,
                          RandomSource& random, std::size_t threads) {
  Released released{round.weights,
                    std::vector<std::vector<float>>(
                        StateVectors(optimizer),
                        std::vector<float>(round.layout.trainable, 0.125f))};
  const Release release(std::move(sum), optimizer);
  const std::size_t length = round.layout.length;
  const std::size_t trainable = round.layout.trainable;
  const std::vector<std::size_t> cuts = Cuts(random, length, threads);
  std::vector<std::thread> running;
  for (std::size_t t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      const std::size_t first = cuts[t];
      const std::size_t last = cuts[t + 1];
      std::vector<std::span<float>> state;
      for (std::vector<float>& vector : released.state) {
        const std::size_t begin = std::min(first, trainable);
        state.push_back(std::span(vector).subspan(
            begin, std::min(last, trainable) - begin));
      }
      release.Block(first,
                    std::span(released.weights).subspan(first, last - first),
                    state);
    });
  }
  for (std::thread& thread : running) thread.join();
  return released;
}

bool IsSame(const Released& a, const Released& b) {
  if (!HasSameBits(a.weights, b.weights)) return false;
  for (std::size_t k = 0; k < a.state.size(); ++k) {
    if (!HasSameBits(a.state[k], b.state[k])) return false;
  }
  return true;
}

TEST_CASE("any order, threads, blocks and tree give the same sum and model") {
  CHECK(rc::check("order, threads and tree do not matter", [] {
    KeyedStream random(KeyFromSeed(*rc::gen::arbitrary<std::uint64_t>()));
    const Round round = MakeRound(random);
    std::vector<std::size_t> order(round.contributions.size());
    std::iota(order.begin(), order.end(), 0);
    const ExactSum expected = SumInOrder(round, order);
    Shuffle(random, order);
    RC_ASSERT(IsSame(SumInOrder(round, order), expected));

    const std::vector<ServerOptimizer> optimizers = {FedAvg{}, FedAvgM{},
                                                     FedAdam{}, FedAdagrad{},
                                                     FedYogi{}};
    const ServerOptimizer& optimizer =
        optimizers[random.Below(optimizers.size())];
    const Released model =
        ReleaseOnThreads(round, ExactSum(expected), optimizer, random, 1);
    for (const std::size_t threads : {1u, 2u, 4u}) {
      ExactSum by_ranges = SumByRanges(round, random, threads);
      ExactSum by_tree = SumByTree(round, random, threads);
      RC_ASSERT(IsSame(by_ranges, expected));
      RC_ASSERT(IsSame(by_tree, expected));
      RC_ASSERT(IsSame(ReleaseOnThreads(round, std::move(by_ranges), optimizer,
                                        random, threads),
                       model));
    }
  }));
}

TEST_CASE("buffers take the plain mean, outside the optimizer") {
  const Layout layout{1, 2, MakeGrid(1, 10), MakeGrid(1, 10)};
  ExactSum sum(layout);
  sum.AddBlock(0, std::vector<float>{0.5f, 0.5f}, 4);
  sum.AddContribution(4);
  std::vector<float> weights = {1, 1};
  Release(std::move(sum), FedAvg{.learning_rate = 0.5}).Block(0, weights, {});
  CHECK(weights == std::vector<float>{1.25f, 1.5f});
}

}  // namespace
}  // namespace tributary::aggregation
