// SPDX-License-Identifier: Apache-2.0
// Virtual clients in secure sessions, with the protocol's real objects on both
// sides: what they add up to, and who may be lost on the way.
#include <string>
#include <vector>

#include "tests/simulation/private_plans.h"
#include "tests/simulation/thread_ranks.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

// What of a run does not depend on when things happened.
struct Released {
  std::vector<std::string> models;
  std::vector<int> accepted;
  std::vector<std::optional<round::Aggregates>> aggregates;
  std::size_t abandoned = 0;
  friend bool operator==(const Released&, const Released&) = default;
};

Released ReleasedBy(const FederationPlan& plan) {
  VirtualFederation federation(plan);
  const auto end = federation.Run();
  INFO(end.status());
  REQUIRE(end.ok());
  INFO(end->reason);
  REQUIRE(end->end == round::RunEnd::kFinished);
  Released released;
  for (const RoundSummary& round : federation.record.rounds) {
    released.models.push_back(round.model.Hex());
    released.accepted.push_back(round.accepted);
    released.aggregates.push_back(round.aggregates);
  }
  released.abandoned = federation.record.abandoned.size();
  return released;
}

FederationPlan WithDropouts(FederationPlan plan) {
  plan.simulation =
      "dropout: {before_training: 0.04, while_training: 0.06, "
      "while_uploading: 0.04, while_unmasking: 0.08}";
  return plan;
}

TEST_CASE("a simulated secure round is the one whose masks are skipped") {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const FederationPlan plan = Masked(Everybody(20, seed));
    const Released masked = ReleasedBy(plan);
    CHECK(masked == ReleasedBy(WithoutMasks(plan)));
    REQUIRE(masked.models.size() == 3);
    CHECK(masked.accepted == std::vector<int>{20, 20, 20});
    REQUIRE(masked.aggregates[0]);
    CHECK(masked.aggregates[0]->examples == 2000);
    CHECK(masked.aggregates[0]->train_loss == Approx(1));
  }
}

TEST_CASE("clients that are lost at any step change nothing about the sum") {
  int lost = 0;
  for (const std::uint64_t seed : {4, 5, 6}) {
    const FederationPlan plan = WithDropouts(Masked(Everybody(24, seed)));
    const Released masked = ReleasedBy(plan);
    CHECK(masked == ReleasedBy(WithoutMasks(plan)));
    CHECK(masked.abandoned == 0);
    for (const int accepted : masked.accepted) lost += 24 - accepted;
  }
  CHECK(lost > 10);
}

TEST_CASE("a secure session that loses too many is abandoned and tried again") {
  FederationPlan plan = Masked(Everybody(10, 7));
  plan.simulation = "dropout: {while_unmasking: 1}";
  VirtualFederation federation(plan);
  const auto end = federation.Run();
  REQUIRE(end.ok());
  CHECK(end->end == round::RunEnd::kFailed);
  CHECK(federation.record.rounds.empty());
  REQUIRE(federation.record.abandoned.size() == 2);
  CHECK(federation.record.abandoned[0].accepted == 10);
}

TEST_CASE("secure rounds do not depend on the number of workers") {
  FederationPlan plan = WithDropouts(Masked(Everybody(16, 8)));
  const Released one = ReleasedBy(plan);
  plan.workers = 4;
  CHECK(one == ReleasedBy(plan));
}

TEST_CASE("masks are refused where several ranks make the run") {
  Meeting meeting(2);
  OnEveryRank(meeting, [&](Ranks& self) {
    FederationPlan plan = Masked(Everybody(10, 1));
    plan.ranks = std::shared_ptr<Ranks>(std::shared_ptr<Ranks>(), &self);
    const VirtualFederation federation(plan);
    const std::string message(federation.created.message());
    if (message.find("simulation.skip_masks") == std::string::npos) {
      throw std::logic_error("refused with: " + message);
    }
  });
}

// Its sessions are held again, up to the round that is to be made.
TEST_CASE("a run with secure rounds goes on after an interruption") {
  const FederationPlan plan = WithDropouts(Masked(Everybody(12, 9)));
  const Released whole = ReleasedBy(plan);
  CHECK(Interrupted(plan, 2)->simulation->model().id.Hex() ==
        whole.models.back());
}

}  // namespace
}  // namespace tributary::simulation
