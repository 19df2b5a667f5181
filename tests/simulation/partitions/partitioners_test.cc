// SPDX-License-Identifier: Apache-2.0
// What each partitioner says of itself.
#include "simulation/partitions/partitioners.h"

#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/simulation/partitions/plans.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

Partition Make(std::size_t clients, const v1::Partition& partition,
               const std::vector<float>& targets, std::uint64_t seed = 1) {
  auto made = MakePartition(PlanFor(clients, partition), WithTargets(targets),
                            KeyFromSeed(seed));
  REQUIRE(made.ok());
  return *std::move(made);
}

TEST_CASE("IID sizes differ by at most one") {
  CHECK(rc::check([](std::uint64_t seed) {
    const std::size_t clients = *rc::gen::inRange<std::size_t>(1, 40);
    const std::size_t examples =
        clients + *rc::gen::inRange<std::size_t>(0, 400);
    for (const std::size_t size :
         SizesOf(Make(clients, Iid(), Targets(examples, 3), seed))) {
      RC_ASSERT(size == examples / clients || size == examples / clients + 1);
    }
  }));
}

// McMahan et al. 2017, section 3: "200 shards of size 300, and assign each of
// 100 clients 2 shards ... most clients will only have examples of two digits".
TEST_CASE("200 shards of the digits leave a client two digits") {
  const auto targets = Targets(60000, 10);
  const Partition partition = Make(100, Shards(2), targets);
  for (std::size_t client = 0; client < 100; ++client) {
    CHECK(partition.Of(client).size() == 600);
    std::set<float> labels;
    for (const std::uint32_t example : partition.Of(client)) {
      labels.insert(targets[example]);
    }
    CHECK(labels.size() <= 2);
  }
}

TEST_CASE("a client has few runs of consecutive ranks: its shards") {
  CHECK(rc::check([](std::uint64_t seed) {
    const std::size_t clients = *rc::gen::inRange<std::size_t>(1, 20);
    const std::uint32_t each = *rc::gen::inRange<std::uint32_t>(1, 5);
    const std::size_t examples =
        clients * each + *rc::gen::inRange<std::size_t>(0, 200);
    // Distinct real targets, so rank and example are the same reversed.
    std::vector<float> targets(examples);
    for (std::size_t i = 0; i < examples; ++i) {
      targets[i] = -0.5f * static_cast<float>(i);
    }
    const Partition partition = Make(clients, Shards(each), targets, seed);
    for (std::size_t client = 0; client < clients; ++client) {
      const auto own = partition.Of(client);
      std::size_t runs = 1;
      for (std::size_t i = 1; i < own.size(); ++i) {
        runs += own[i] != own[i - 1] + 1 ? 1 : 0;
      }
      RC_ASSERT(runs <= each);
    }
  }));
}

TEST_CASE("power law sizes fall with the rank") {
  // Shares 1/1 : 1/2 : 1/3 = 6/11, 3/11, 2/11.
  CHECK(SizesOf(Make(3, PowerLaw(1, 0), Targets(110, 2))) ==
        std::vector<std::size_t>{60, 30, 20});
  // Shares 1 : 1/4 of what is beyond 10 examples each.
  CHECK(SizesOf(Make(2, PowerLaw(2, 10), Targets(120, 2))) ==
        std::vector<std::size_t>{90, 30});
}

// 2,000 clients, about 500 examples each: sizes are whole, so the smallest
// lose some logarithm; passing says nothing about the far tails. Five standard
// errors, sigma / sqrt(2 n), each: a right sampler fails for one seed in a
// million.
TEST_CASE("logarithms of log-normal sizes have the deviation sigma") {
  for (const double sigma : {0.5, 1.0}) {
    double sum = 0;
    double squares = 0;
    const auto sizes =
        SizesOf(Make(2000, LogNormal(sigma, 0), Targets(1'000'000, 2)));
    for (const std::size_t size : sizes) {
      const double logarithm = std::log(static_cast<double>(size));
      sum += logarithm;
      squares += logarithm * logarithm;
    }
    const double mean = sum / 2000;
    const double deviation = std::sqrt(squares / 2000 - mean * mean);
    CHECK(std::abs(deviation - sigma) < 5 * sigma / std::sqrt(4000.0));
  }
}

// E[sum q_k^2] = (alpha + 1) / (n alpha + 1). For alpha 0.5 and n 2,000 one
// draw of the sum has a relative deviation of about 7 %; the bound is five of
// them.
TEST_CASE("Dirichlet sizes have the concentration of their alpha") {
  double squares = 0;
  for (const std::size_t size :
       SizesOf(Make(2000, DirichletSizes(0.5, 0), Targets(1'000'000, 2)))) {
    const double share = static_cast<double>(size) / 1e6;
    squares += share * share;
  }
  CHECK(squares == Approx(1.5 / 1001).epsilon(0.35));
}

TEST_CASE("a small alpha gives each class to few, a large one to all alike") {
  const auto targets = Targets(10000, 10);
  const auto classes_of_first = [&](double alpha) {
    const Partition partition = Make(10, Dirichlet(alpha, 0), targets);
    double mean = 0;
    for (std::size_t client = 0; client < 10; ++client) {
      std::set<float> labels;
      for (const std::uint32_t example : partition.Of(client)) {
        labels.insert(targets[example]);
      }
      mean += static_cast<double>(labels.size()) / 10;
    }
    return mean;
  };
  CHECK(classes_of_first(1e-4) <= 1.5);
  CHECK(classes_of_first(1e4) == 10);
}

TEST_CASE("a million clients are partitioned") {
  v1::Partition sharing = Dirichlet(0.5, 1);
  sharing.set_repeat(1000);
  const auto targets = Targets(60000, 10);
  const Partition partition = Make(1'000'000, sharing, targets);
  CHECK(partition.clients() == 1'000'000);
  CHECK(partition.parts() == 1000);
}

}  // namespace
}  // namespace tributary::simulation
