// SPDX-License-Identifier: Apache-2.0
// Virtual clients under differential privacy: what is charged, what stops a
// run, and that simulated noise follows the seed.
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "privacy/dp/ledger.h"
#include "tests/simulation/private_plans.h"
#include "tests/simulation/thread_ranks.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

using Noise = v1::PrivacyPlan;

struct Made {
  round::EndRun end;
  Record record;
  std::string model;
  std::vector<float> weights;
};

Made Make(const FederationPlan& plan) {
  VirtualFederation federation(plan);
  const auto end = federation.Run();
  INFO(end.status());
  REQUIRE(end.ok());
  return {.end = *end,
          .record = federation.record,
          .model = federation.simulation->model().id.Hex(),
          .weights = federation.simulation->model().weights};
}

FederationPlan Of(Noise::Noise noise, std::uint64_t seed = 1) {
  FederationPlan plan = Private(Everybody(20, seed), noise);
  if (noise != Noise::DISTRIBUTED) return plan;
  return WithoutMasks(Masked(std::move(plan)));
}

TEST_CASE("simulated noise follows the seed, not workers or ranks") {
  for (const auto noise : {Noise::CENTRAL, Noise::DISTRIBUTED, Noise::LOCAL}) {
    FederationPlan plan = Of(noise);
    const std::string model = Make(plan).model;
    CHECK(Make(Of(noise, 2)).model != model);
    plan.workers = 3;
    CHECK(Make(plan).model == model);
    Meeting meeting(2);
    std::vector<std::string> models(2);
    OnEveryRank(meeting, [&](Ranks& self) {
      FederationPlan own = plan;
      own.ranks = std::shared_ptr<Ranks>(std::shared_ptr<Ranks>(), &self);
      models[static_cast<std::size_t>(self.rank())] = Make(own).model;
    });
    CHECK(models == std::vector<std::string>{model, model});
  }
}

TEST_CASE("noise in shares under masks is the noise without them") {
  const FederationPlan plan =
      Masked(Private(Everybody(16, 3), Noise::DISTRIBUTED));
  CHECK(Make(plan).model == Make(WithoutMasks(plan)).model);
}

// Three rounds of 4 weights under two noises, 20 seeds: 80 differences of known
// deviation (the draws of the two are not the same, so their variances add up).
// Its estimate is within 8 % in one sigma; 4 sigma are allowed. This does not
// prove the noise's shape: tests/privacy/dp does.
TEST_CASE("the noise on a model is as large as the plan says") {
  constexpr int kSeeds = 20;
  constexpr double kClip = 0.5;
  constexpr double kClients = 20;
  constexpr double kRounds = 3;
  double squares = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const FederationPlan plan =
        Of(Noise::CENTRAL, static_cast<std::uint64_t>(100 + seed));
    const Made one = Make(plan);
    const Made two = Make(With(plan, [](v1::Plan& made) {
      made.mutable_privacy()->set_noise_multiplier(2);
    }));
    for (std::size_t i = 0; i < one.weights.size(); ++i) {
      squares += std::pow(one.weights[i] - two.weights[i], 2);
    }
  }
  const double seen = std::sqrt(squares / (kSeeds * 4));
  const double expected = std::sqrt(kRounds * (1 + 4)) * kClip / kClients;
  CHECK(seen < 1.32 * expected);
  CHECK(seen > 0.68 * expected);
}

TEST_CASE("every release is charged before it counts, once") {
  for (const auto noise : {Noise::CENTRAL, Noise::DISTRIBUTED, Noise::LOCAL}) {
    const Made made = Make(Of(noise));
    REQUIRE(made.record.charges.size() == 3);
    dp::Ledger ledger;
    dp::Spend spend;
    for (const Charge& charge : made.record.charges) {
      REQUIRE(ledger.Append(charge.debit).ok());
      spend.Add(charge.debit);
      CHECK(charge.contributors.size() == 20);
      CHECK(charge.debit.contributors == 20);
      CHECK(charge.debit.clip_norm == 0.5);
    }
    CHECK(ledger.entries().size() == 3);
    const auto spent = spend.At(0.025);
    REQUIRE(spent.ok());
    CHECK(spent->epsilon > 0);
    CHECK(spent->epsilon < 100);
    // Nobody's examples and losses are known.
    CHECK_FALSE(made.record.rounds[0].aggregates);
    CHECK(made.record.rounds[0].clip_norm == 0.5);
  }
}

TEST_CASE("a round that the budget does not hold is not begun") {
  FederationPlan plan = Of(Noise::CENTRAL);
  const Made whole = Make(plan);
  dp::Spend two;
  two.Add(whole.record.charges[0].debit);
  two.Add(whole.record.charges[1].debit);
  const auto spent = two.At(0.025);
  REQUIRE(spent.ok());
  const Made stopped =
      Make(With(plan, [epsilon = spent->epsilon](v1::Plan& made) {
        made.mutable_privacy()->set_epsilon(epsilon * 1.0001);
      }));
  CHECK(stopped.end.end == round::RunEnd::kFailed);
  CHECK(stopped.end.reason.find("the privacy budget is spent") !=
        std::string::npos);
  CHECK(stopped.record.rounds.size() == 2);
  CHECK(stopped.record.charges.size() == 2);
  CHECK(stopped.record.rounds[1].model == whole.record.rounds[1].model);
}

TEST_CASE("a clip norm that adapts goes on from a checkpoint") {
  FederationPlan plan = Adaptive(Of(Noise::CENTRAL));
  plan.rounds = 5;
  const Made whole = Make(plan);
  REQUIRE(whole.record.rounds.size() == 5);
  std::set<double> norms;
  for (const RoundSummary& round : whole.record.rounds) {
    REQUIRE(round.clip_norm);
    norms.insert(*round.clip_norm);
  }
  CHECK(norms.size() == 5);

  const auto resumed = Interrupted(plan, 3);
  CHECK(resumed->simulation->model().id.Hex() == whole.model);
  // What was charged before is told again, for who keeps the ledger.
  CHECK(resumed->record.charges.size() == 5);
}

FederationPlan Poisson(int clients, int cohort) {
  FederationPlan plan = Of(Noise::CENTRAL);
  plan.clients = clients;
  plan.cohort_size = cohort;
  plan.min_updates = 5;
  return With(plan, [clients](v1::Plan& made) {
    made.mutable_privacy()->set_sampling(v1::PrivacyPlan::POISSON);
    made.mutable_privacy()->set_population(static_cast<std::uint32_t>(clients));
    made.mutable_privacy()->set_delta(0.5 / clients);
  });
}

TEST_CASE("cohorts under Poisson sampling vary about their mean") {
  FederationPlan plan = Poisson(200, 40);
  plan.rounds = 12;
  const Made made = Make(plan);
  REQUIRE(made.record.rounds.size() == 12);
  std::set<int> sizes;
  double sum = 0;
  for (const RoundSummary& round : made.record.rounds) {
    sizes.insert(round.accepted);
    sum += round.accepted;
    CHECK(round.accepted == round.asked);
  }
  // The mean of 12 draws of Binomial(200, 0.2), deviation 1.6: 5 of them.
  CHECK(std::abs(sum / 12 - 40) < 8);
  CHECK(sizes.size() > 3);
}

TEST_CASE("a population of ten thousand that all wait stays cheap") {
  const auto events = [](int rounds) {
    FederationPlan plan = Poisson(10'000, 50);
    plan.rounds = rounds;
    VirtualFederation federation(plan);
    REQUIRE(federation.Run().ok());
    CHECK(federation.record.rounds.size() == static_cast<std::size_t>(rounds));
    return federation.simulation->events();
  };
  const auto one = events(1);
  CHECK(one < 12u * 10'000);
  // From then on a round costs what its cohort costs.
  CHECK(events(6) - one < 5u * 50 * 30);
}

TEST_CASE("cohorts of fixed size are drawn from all of the population") {
  FederationPlan plan = Poisson(60, 20);
  plan = With(plan, [](v1::Plan& made) {
    made.mutable_privacy()->set_sampling(v1::PrivacyPlan::FIXED_SIZE);
    made.mutable_privacy()->set_neighbours(v1::PrivacyPlan::REPLACE_ONE);
  });
  const Made made = Make(plan);
  REQUIRE(made.record.rounds.size() == 3);
  for (const RoundSummary& round : made.record.rounds) {
    CHECK(round.accepted == 20);
  }
}

}  // namespace
}  // namespace tributary::simulation
