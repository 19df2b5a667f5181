// SPDX-License-Identifier: Apache-2.0
// Clients that follow from whom the examples belong to.
#include <rapidcheck.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/partitions/plans.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

constexpr auto kInOrder = v1::Partition::Groups::IN_ORDER;
constexpr auto kShuffled = v1::Partition::Groups::SHUFFLED;

v1::SimulationPlan WithoutClients(const v1::Partition& partition) {
  v1::SimulationPlan plan;
  *plan.mutable_partition() = partition;
  return plan;
}

std::string Refusal(const v1::SimulationPlan& plan,
                    const datasets::Examples& examples) {
  const auto made = MakePartition(plan, examples, KeyFromSeed(1));
  CHECK(made.status().code() == absl::StatusCode::kInvalidArgument);
  return std::string(made.status().message());
}

// Whose examples the client holds.
std::set<std::uint32_t> OwnersOf(const Partition& partition, std::size_t client,
                                 const datasets::Examples& examples) {
  std::set<std::uint32_t> owners;
  for (const std::uint32_t example : partition.Of(client)) {
    owners.insert(examples.owner[example]);
  }
  return owners;
}

TEST_CASE("a natural partition is a client for each owner") {
  CHECK(rc::check([] {
    const std::uint32_t owners = *rc::gen::inRange<std::uint32_t>(1, 26);
    const std::size_t count = owners + *rc::gen::inRange<std::size_t>(0, 100);
    const auto examples = WithOwners(count, owners);
    const auto partition =
        MakePartition(WithoutClients(Natural()), examples, KeyFromSeed(1));
    RC_ASSERT(partition.ok());
    RC_ASSERT(partition->clients() == owners);
    std::size_t held = 0;
    for (std::uint32_t client = 0; client < owners; ++client) {
      RC_ASSERT(OwnersOf(*partition, client, examples) ==
                std::set<std::uint32_t>{client});
      held += partition->Of(client).size();
    }
    RC_ASSERT(held == count);
  }));
}

TEST_CASE("groups keep owners whole and differ by at most one owner") {
  CHECK(rc::check([](std::uint64_t seed) {
    const std::uint32_t owners = *rc::gen::inRange<std::uint32_t>(1, 26);
    const std::size_t clients = *rc::gen::inRange<std::size_t>(1, owners + 1);
    const std::size_t count = owners + *rc::gen::inRange<std::size_t>(0, 100);
    const auto examples = WithOwners(count, owners);
    const auto order = *rc::gen::element(kInOrder, kShuffled);
    const auto partition = MakePartition(PlanFor(clients, Groups(order)),
                                         examples, KeyFromSeed(seed));
    RC_ASSERT(partition.ok());
    std::set<std::uint32_t> met;
    std::size_t held = 0;
    for (std::size_t client = 0; client < clients; ++client) {
      const auto own = OwnersOf(*partition, client, examples);
      RC_ASSERT(own.size() == owners / clients ||
                own.size() == owners / clients + 1);
      for (const std::uint32_t owner : own) RC_ASSERT(met.insert(owner).second);
      // In order: neighbours.
      if (order == kInOrder) {
        RC_ASSERT(*own.rbegin() - *own.begin() + 1 == own.size());
      }
      held += partition->Of(client).size();
    }
    RC_ASSERT(met.size() == owners);
    RC_ASSERT(held == count);
  }));
}

TEST_CASE("shuffled groups follow from the seed") {
  const auto examples = WithOwners(100, 20);
  const auto first = [&](std::uint64_t seed) {
    const auto partition = MakePartition(PlanFor(4, Groups(kShuffled)),
                                         examples, KeyFromSeed(seed));
    return OwnersOf(*partition, 0, examples);
  };
  CHECK(first(1) == first(1));
  CHECK(first(1) != first(2));
}

TEST_CASE("several clients can hold one owner's data") {
  v1::Partition shared = Natural();
  shared.set_repeat(10);
  const auto partition =
      MakePartition(WithoutClients(shared), WithOwners(30, 3), KeyFromSeed(1));
  REQUIRE(partition.ok());
  CHECK(partition->clients() == 30);
  CHECK(partition->parts() == 3);
}

TEST_CASE("owners that do not suit are an error that names key and fix") {
  CHECK(Refusal(WithoutClients(Natural()), WithTargets(Targets(9, 3))) ==
        "simulation.partition.natural: simulation.train does not say whom its "
        "examples belong to; use a format that does, partition.file, or one of "
        "the other ways");
  CHECK(Refusal(PlanFor(2, Groups(kInOrder)), WithTargets(Targets(9, 3)))
            .starts_with("simulation.partition.groups: simulation.train does "
                         "not say"));
  CHECK(Refusal(PlanFor(5, Natural()), WithOwners(30, 3)) ==
        "simulation.clients: 5, but simulation.train has 3 owners; leave the "
        "key out, or gather owners by partition.groups");
  CHECK(MakePartition(PlanFor(3, Natural()), WithOwners(30, 3), KeyFromSeed(1))
            .ok());
  CHECK(Refusal(PlanFor(5, Groups(kInOrder)), WithOwners(30, 3)) ==
        "simulation.clients: 5 groups are more than the 3 owners of "
        "simulation.train; have fewer, or use natural, a client for each "
        "owner");
}

}  // namespace
}  // namespace tributary::simulation
