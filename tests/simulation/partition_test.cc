// SPDX-License-Identifier: Apache-2.0
#include "simulation/partition.h"

#include <rapidcheck.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "privacy/crypto/digest.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

v1::SimulationPlan Iid(std::size_t clients) {
  v1::SimulationPlan plan;
  plan.set_clients(static_cast<std::uint32_t>(clients));
  plan.mutable_partition()->mutable_iid();
  return plan;
}

v1::SimulationPlan LabelSkew(std::size_t clients, double alpha,
                             std::uint32_t min_examples) {
  v1::SimulationPlan plan;
  plan.set_clients(static_cast<std::uint32_t>(clients));
  auto* dirichlet = plan.mutable_partition()->mutable_dirichlet();
  dirichlet->set_alpha(alpha);
  dirichlet->set_min_examples(min_examples);
  return plan;
}

// Targets 0, 1, ..., classes - 1, 0, 1, ...
std::vector<float> Targets(std::size_t examples, int classes) {
  std::vector<float> targets(examples);
  for (std::size_t i = 0; i < examples; ++i) {
    targets[i] = static_cast<float>(i % classes);
  }
  return targets;
}

bool HoldsEveryExampleOnce(const Partition& partition, std::size_t examples) {
  std::vector<int> seen(examples, 0);
  for (std::size_t client = 0; client < partition.clients(); ++client) {
    for (const std::uint32_t example : partition.Of(client)) {
      if (example >= examples) return false;
      ++seen[example];
    }
  }
  return std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; });
}

std::string DigestOf(const Partition& partition) {
  std::string text;
  for (std::size_t client = 0; client < partition.clients(); ++client) {
    for (const std::uint32_t example : partition.Of(client)) {
      absl::StrAppend(&text, example, ",");
    }
    text += ';';
  }
  return Sha256(std::string_view(text)).Hex();
}

TEST_CASE("an IID partition holds every example exactly once") {
  CHECK(rc::check([](std::uint64_t seed) {
    const std::size_t clients = *rc::gen::inRange<std::size_t>(1, 40);
    const std::size_t examples = clients + *rc::gen::inRange<int>(0, 400);
    const auto partition =
        MakePartition(Iid(clients), Targets(examples, 3), KeyFromSeed(seed));
    RC_ASSERT(partition.ok());
    RC_ASSERT(partition->clients() == clients);
    RC_ASSERT(HoldsEveryExampleOnce(*partition, examples));
    for (std::size_t client = 0; client < clients; ++client) {
      const std::size_t size = partition->Of(client).size();
      RC_ASSERT(size == examples / clients || size == examples / clients + 1);
    }
  }));
}

TEST_CASE("a Dirichlet partition holds every example exactly once") {
  CHECK(rc::check([](std::uint64_t seed) {
    const std::size_t clients = *rc::gen::inRange<std::size_t>(1, 40);
    const std::uint32_t fewest = *rc::gen::inRange<std::uint32_t>(0, 6);
    const std::size_t examples =
        clients * fewest + *rc::gen::inRange<int>(1, 400);
    const int classes = *rc::gen::inRange(1, 12);
    const double alpha = *rc::gen::element(1e-5, 0.1, 0.3, 1.0, 50.0);
    const auto partition =
        MakePartition(LabelSkew(clients, alpha, fewest),
                      Targets(examples, classes), KeyFromSeed(seed));
    RC_ASSERT(partition.ok());
    RC_ASSERT(partition->clients() == clients);
    RC_ASSERT(HoldsEveryExampleOnce(*partition, examples));
    for (std::size_t client = 0; client < clients; ++client) {
      const auto own = partition->Of(client);
      RC_ASSERT(own.size() >= fewest);
      RC_ASSERT(std::is_sorted(own.begin(), own.end()));
    }
  }));
}

TEST_CASE("a partition is the same on every machine") {
  const auto targets = Targets(1000, 10);
  CHECK(DigestOf(*MakePartition(Iid(7), targets, KeyFromSeed(1))) ==
        "58f67c180bb20cece2b45ec2985f78d88728190f73b1ace77b481ed6fca75228");
  CHECK(
      DigestOf(*MakePartition(LabelSkew(7, 0.3, 5), targets, KeyFromSeed(1))) ==
      "4710b3963e091b6406610e6cf7c74418a7168f4f23161cc29c21a2ac071f02c5");
}

TEST_CASE("another seed gives another partition") {
  const auto targets = Targets(1000, 10);
  CHECK(DigestOf(*MakePartition(Iid(7), targets, KeyFromSeed(1))) !=
        DigestOf(*MakePartition(Iid(7), targets, KeyFromSeed(2))));
}

TEST_CASE("a partition that cannot be is an error that names the key") {
  const Key key = KeyFromSeed(1);
  CHECK(MakePartition(Iid(11), Targets(10, 2), key).status().message() ==
        "simulation.clients: 11 exceeds the 10 training examples");
  CHECK(MakePartition(LabelSkew(5, 0.3, 3), Targets(14, 2), key)
            .status()
            .message() ==
        "simulation.partition.dirichlet.min_examples: 3 for each of 5 clients "
        "exceeds the 14 training examples");
  CHECK(MakePartition(LabelSkew(2, 0.3, 1), std::vector<float>{0, 1, 0.5f}, key)
            .status()
            .message() ==
        "simulation.partition.dirichlet: target 0.5 of example 2 is not a "
        "class; use iid");
}

TEST_CASE("clients are named with at least four digits") {
  CHECK(ClientName(7) == "client-0007");
  CHECK(ClientName(12345) == "client-12345");
}

}  // namespace
}  // namespace tributary::simulation
