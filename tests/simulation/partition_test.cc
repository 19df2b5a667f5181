// SPDX-License-Identifier: Apache-2.0
// What all partitioners promise.
#include "simulation/partition.h"

#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "privacy/crypto/digest.h"
#include "tests/simulation/partitions/plans.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

// How many clients hold each example.
std::vector<std::size_t> HoldersOf(const Partition& partition,
                                   std::size_t examples) {
  std::vector<std::size_t> holders(examples, 0);
  for (std::size_t client = 0; client < partition.clients(); ++client) {
    for (const std::uint32_t example : partition.Of(client)) {
      ++holders.at(example);
    }
  }
  return holders;
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

// Any partitioner, with parameters over their whole range; needs at least
// `fewest` examples a client.
v1::Partition AnyPartition(std::uint32_t fewest) {
  switch (*rc::gen::inRange(0, 6)) {
    case 0:
      return Dirichlet(*rc::gen::element(1e-6, 0.1, 0.3, 1.0, 50.0, 1e6),
                       fewest);
    case 1:
      return Shards(fewest);
    case 2:
      return PowerLaw(*rc::gen::element(1e-3, 1.0, 2.5, 20.0), fewest);
    case 3:
      return LogNormal(*rc::gen::element(1e-3, 1.0, 3.0, 20.0), fewest);
    case 4:
      return DirichletSizes(*rc::gen::element(1e-6, 0.1, 1.0, 1e6), fewest);
    default:
      return Iid();
  }
}

TEST_CASE("every example is held exactly once, whatever the partitioner") {
  CHECK(rc::check([](std::uint64_t seed) {
    const std::size_t clients = *rc::gen::inRange<std::size_t>(1, 40);
    const std::uint32_t fewest = *rc::gen::inRange<std::uint32_t>(1, 6);
    const std::size_t examples =
        clients * fewest + *rc::gen::inRange<std::size_t>(0, 400);
    const int classes = *rc::gen::inRange(1, 12);
    const auto plan = PlanFor(clients, AnyPartition(fewest));
    const auto partition = MakePartition(
        plan, WithTargets(Targets(examples, classes)), KeyFromSeed(seed));
    RC_ASSERT(partition.ok());
    RC_ASSERT(partition->clients() == clients);
    RC_ASSERT(HoldersOf(*partition, examples) ==
              std::vector<std::size_t>(examples, 1));
    for (std::size_t client = 0; client < clients; ++client) {
      const auto own = partition->Of(client);
      RC_ASSERT(own.size() >= (plan.partition().has_iid() ? 1 : fewest));
      RC_ASSERT(std::is_sorted(own.begin(), own.end()));
    }
  }));
}

TEST_CASE("clients that share examples hold each as often as the plan says") {
  CHECK(rc::check([](std::uint64_t seed) {
    const std::size_t parts = *rc::gen::inRange<std::size_t>(1, 20);
    const std::uint32_t holders = *rc::gen::inRange<std::uint32_t>(1, 20);
    const std::size_t examples = parts + *rc::gen::inRange<std::size_t>(0, 100);
    v1::Partition repeated = AnyPartition(1);
    repeated.set_repeat(holders);
    const auto targets = WithTargets(Targets(examples, 3));
    const auto partition = MakePartition(PlanFor(parts * holders, repeated),
                                         targets, KeyFromSeed(seed));
    RC_ASSERT(partition.ok());
    RC_ASSERT(partition->clients() == parts * holders);
    RC_ASSERT(HoldersOf(*partition, examples) ==
              std::vector<std::size_t>(examples, holders));
    // The parts are those of a population without the copies.
    v1::Partition once = repeated;
    once.set_repeat(1);
    const auto single =
        MakePartition(PlanFor(parts, once), targets, KeyFromSeed(seed));
    RC_ASSERT(single.ok());
    for (std::size_t client = 0; client < parts * holders; ++client) {
      RC_ASSERT(std::ranges::equal(partition->Of(client),
                                   single->Of(client % parts)));
    }
  }));
}

TEST_CASE("adversaries come last, and hold what honest clients were dealt") {
  CHECK(rc::check([](std::uint64_t seed) {
    const std::uint32_t holders = *rc::gen::inRange<std::uint32_t>(1, 4);
    const std::size_t honest = holders * *rc::gen::inRange<std::size_t>(2, 20);
    const std::size_t adversaries = *rc::gen::inRange<std::size_t>(1, 60);
    v1::Partition partition = AnyPartition(1);
    partition.set_repeat(holders);
    const auto targets = WithTargets(Targets(200, 3));
    const auto dealt =
        MakePartition(PlanFor(honest, partition), targets, KeyFromSeed(seed));
    auto plan = PlanFor(honest + adversaries, partition);
    plan.mutable_attack()->mutable_sign_flip();
    plan.mutable_attack()->set_fraction(
        static_cast<double>(adversaries) /
        static_cast<double>(honest + adversaries));
    const auto attacked = MakePartition(plan, targets, KeyFromSeed(seed));
    RC_ASSERT(dealt.ok());
    RC_ASSERT(attacked.ok());
    RC_ASSERT(attacked->honest() == honest);
    RC_ASSERT(attacked->adversaries() == adversaries);
    RC_ASSERT(attacked->clients() == honest + adversaries);
    for (std::size_t k = 0; k < honest; ++k) {
      RC_ASSERT(std::ranges::equal(attacked->Of(k), dealt->Of(k)));
    }
    for (std::size_t k = 0; k < adversaries; ++k) {
      RC_ASSERT(
          std::ranges::equal(attacked->Of(honest + k), dealt->Of(k % honest)));
    }
  }));
}

TEST_CASE(
    "owners of a natural partition are honest, adversaries come besides") {
  v1::SimulationPlan plan;
  *plan.mutable_partition() = Natural();
  plan.mutable_attack()->mutable_sign_flip();
  plan.mutable_attack()->set_fraction(0.2);
  const auto partition = MakePartition(plan, WithOwners(40, 8), KeyFromSeed(1));
  REQUIRE(partition.ok());
  CHECK(partition->honest() == 8);
  CHECK(partition->clients() == 10);
  // The effective plan says how many there are; it is read again to go on.
  plan.set_clients(10);
  const auto again = MakePartition(plan, WithOwners(40, 8), KeyFromSeed(1));
  REQUIRE(again.ok());
  CHECK(again->honest() == 8);
  CHECK(again->adversaries() == 2);

  plan.clear_clients();
  plan.mutable_attack()->set_fraction(0.1);
  CHECK(MakePartition(plan, WithOwners(40, 8), KeyFromSeed(1))
            .status()
            .message() ==
        "simulation.attack.fraction: 0.1 beside 8 honest clients is no "
        "adversary");
}

TEST_CASE("a partition is the same on every machine") {
  const auto digest = [](const v1::Partition& partition) {
    return DigestOf(*MakePartition(
        PlanFor(7, partition), WithTargets(Targets(1000, 10)), KeyFromSeed(1)));
  };
  CHECK(digest(Iid()) ==
        "58f67c180bb20cece2b45ec2985f78d88728190f73b1ace77b481ed6fca75228");
  CHECK(digest(Dirichlet(0.3, 5)) ==
        "4710b3963e091b6406610e6cf7c74418a7168f4f23161cc29c21a2ac071f02c5");
  CHECK(digest(Shards(2)) ==
        "63b8b30f7d7dc2384587e5814529feac9aa48c9f700004a21a704ae99bf29b16");
  CHECK(digest(PowerLaw(1.5, 5)) ==
        "277d939cd348f1940b8202b61049faeafedbdf37d0e793fee7531bb252040235");
  CHECK(digest(LogNormal(1, 5)) ==
        "0589848aeae16709f7736d5c77f051ad863197240c3982d83f8b51edcdefd929");
  CHECK(digest(DirichletSizes(0.3, 5)) ==
        "5ec7f8db43cae823727bdc985ee8ba956473f07df69dbc5ffb62f6e2418d67f9");
}

TEST_CASE("another seed gives another partition") {
  for (const v1::Partition& partition :
       {Iid(), Dirichlet(0.3, 1), Shards(2), PowerLaw(1, 1), LogNormal(1, 1),
        DirichletSizes(1, 1)}) {
    const auto digest = [&](std::uint64_t seed) {
      return DigestOf(*MakePartition(PlanFor(7, partition),
                                     WithTargets(Targets(1000, 10)),
                                     KeyFromSeed(seed)));
    };
    CHECK(digest(1) != digest(2));
    CHECK(digest(1) == digest(1));
  }
}

TEST_CASE("a partition that cannot be is an error that names key and fix") {
  const auto error = [](std::size_t clients, const v1::Partition& partition,
                        const std::vector<float>& targets) {
    const auto made = MakePartition(PlanFor(clients, partition),
                                    WithTargets(targets), KeyFromSeed(1));
    CHECK(made.status().code() == absl::StatusCode::kInvalidArgument);
    return std::string(made.status().message());
  };
  CHECK(error(11, Iid(), Targets(10, 2)) ==
        "simulation.clients: 11 exceeds the 10 training examples; "
        "simulation.partition.repeat lets clients hold the same ones");
  CHECK(error(5, Dirichlet(0.3, 3), Targets(14, 2)) ==
        "simulation.partition.dirichlet.min_examples: 3 for each of 5 clients "
        "exceeds the 14 training examples; have fewer clients, or let clients "
        "hold the same ones (simulation.partition.repeat)");
  CHECK(error(2, Dirichlet(0.3, 1), {0, 1, 0.5f}) ==
        "simulation.partition.dirichlet: target 0.5 of example 2 is not a "
        "class; use iid or quantity");
  CHECK(error(5, Shards(3), Targets(14, 2)) ==
        "simulation.partition.shards.shards_per_client: 3 for each of 5 "
        "clients are more shards than the 14 training examples; have fewer "
        "shards or clients, or let clients hold the same ones "
        "(simulation.partition.repeat)");
  CHECK(error(5, PowerLaw(1, 3), Targets(14, 2)) ==
        "simulation.partition.quantity.min_examples: 3 for each of 5 clients "
        "exceeds the 14 training examples; have fewer clients, or let clients "
        "hold the same ones (simulation.partition.repeat)");
  v1::Partition uneven = Iid();
  uneven.set_repeat(3);
  CHECK(error(10, uneven, Targets(100, 2)) ==
        "simulation.partition.repeat: simulation.clients 10 is no multiple of "
        "3");
}

TEST_CASE("clients are named with at least four digits") {
  CHECK(ClientName(7) == "client-0007");
  CHECK(ClientName(12345) == "client-12345");
  CHECK(ClientNumber("client-0007") == 7);
  CHECK(ClientNumber("client-12345") == 12345);
}

}  // namespace
}  // namespace tributary::simulation
