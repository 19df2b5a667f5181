// SPDX-License-Identifier: Apache-2.0
// Private runs whose cohorts are drawn from a population: who is asked, what is
// charged for it, and what ends them.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "privacy/dp/ledger.h"
#include "proto/codec/ledger.h"
#include "tests/coordinator/runner/private_federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

constexpr int kPopulation = 40;
constexpr int kCohort = 20;

v1::Plan SampledPlan(v1::PrivacyPlan::Sampling sampling, int rounds) {
  v1::Plan plan = RunnablePlan(rounds);
  v1::RoundPlan& round = *plan.mutable_round();
  round.set_cohort_size(kCohort);
  round.set_min_updates(2);
  round.set_max_attempts(2);
  round.mutable_selection_timeout()->set_seconds(600);
  v1::PrivacyPlan& privacy = *plan.mutable_privacy();
  privacy.set_sampling(sampling);
  privacy.set_neighbours(sampling == v1::PrivacyPlan::POISSON
                             ? v1::PrivacyPlan::ADD_OR_REMOVE_ONE
                             : v1::PrivacyPlan::REPLACE_ONE);
  privacy.set_population(kPopulation);
  privacy.set_noise_multiplier(3);
  return plan;
}

std::vector<dp::Debit> DebitsOf(const v1::LedgerPage& ledger) {
  std::vector<dp::Debit> debits;
  for (const v1::LedgerEntry& entry : ledger.entries()) {
    const auto read = codec::ToEntry(entry);
    REQUIRE(read.ok());
    debits.push_back(read->debit);
  }
  return debits;
}

double EpsilonOf(const std::vector<dp::Debit>& debits) {
  dp::Spend spend;
  for (const dp::Debit& debit : debits) spend.Add(debit);
  return spend.At(0.01)->epsilon;
}

// Each debit is for those that were asked, of whom all came, and the ledger
// counts in how many charged rounds each of them was.
void CheckCharged(PrivateFederation& clients,
                  const std::vector<dp::Debit>& debits) {
  std::map<std::string, std::uint32_t> rounds;
  for (const dp::Debit& debit : debits) {
    const auto& asked = clients.asked().at(
        {static_cast<int>(debit.round), static_cast<int>(debit.attempt)});
    CHECK(debit.contributors == asked.size());
    CHECK(debit.mechanism.rate == 0.5);
    for (const std::string& client : asked) ++rounds[client];
  }
  std::map<std::string, std::uint32_t> counted;
  const v1::LedgerPage ledger = clients.Ledger();
  for (const auto& one : ledger.participation()) {
    counted[one.client()] = one.rounds();
  }
  CHECK(counted == rounds);
}

// Until the last of the population waits, nobody is asked.
void CheckWaitsForAll(PrivateFederation& clients, const std::string& run) {
  std::vector<std::string> all_but_one = clients.clients();
  all_but_one.pop_back();
  clients.federation().ComeBack(all_but_one);
  clients.federation().Settle();
  CHECK(clients.federation().Show(run).phase() == "selecting");
}

std::set<std::set<std::string>> CohortsOf(const PrivateFederation& clients) {
  std::set<std::set<std::string>> cohorts;
  for (const auto& [attempt, asked] : clients.asked()) cohorts.insert(asked);
  return cohorts;
}

// Of a run that waits for all, releases its rounds and is charged for them.
std::vector<dp::Debit> DebitsOfFourRounds(PrivateFederation& clients,
                                          v1::PrivacyPlan::Sampling sampling) {
  const std::string run = clients.federation().Submit(SampledPlan(sampling, 4));
  CheckWaitsForAll(clients, run);
  const v1::RunDetail end = clients.Drive(run);
  INFO(end.summary().message());
  REQUIRE(end.summary().state() == v1::FINISHED);
  const auto debits = DebitsOf(clients.Ledger());
  REQUIRE(debits.size() == 4);
  CheckCharged(clients, debits);
  return debits;
}

TEST_CASE(
    "a run on Poisson cohorts tosses a coin for each client, each round") {
  PrivateFederation clients(kPopulation);
  const auto debits = DebitsOfFourRounds(clients, v1::PrivacyPlan::POISSON);
  std::size_t drawn = 0;
  for (const dp::Debit& debit : debits) {
    CHECK(debit.mechanism.sampling == dp::Sampling::kPoisson);
    CHECK(debit.mechanism.neighbours == dp::Neighbours::kAddOrRemoveOne);
    drawn += debit.contributors;
  }
  // Of 160 fair coins 80 +- 6.3, six deviations: one run in 10^9 fails.
  CHECK(drawn > 80 - 38);
  CHECK(drawn < 80 + 38);
  // The same twice: 2^-40.
  CHECK(CohortsOf(clients).size() == 4);
}

TEST_CASE("a run on cohorts of fixed size draws so many, others each round") {
  PrivateFederation clients(kPopulation);
  const auto debits = DebitsOfFourRounds(clients, v1::PrivacyPlan::FIXED_SIZE);
  for (const dp::Debit& debit : debits) {
    CHECK(debit.mechanism.sampling == dp::Sampling::kFixedSize);
    CHECK(debit.mechanism.neighbours == dp::Neighbours::kReplaceOne);
    CHECK(debit.contributors == kCohort);
  }
  CHECK(CohortsOf(clients).size() == 4);
}

TEST_CASE("two runs of one plan draw different cohorts") {
  std::set<std::set<std::string>> first_cohorts;
  for (int i = 0; i < 2; ++i) {
    PrivateFederation clients(kPopulation);
    const std::string run = clients.federation().Submit(
        SampledPlan(v1::PrivacyPlan::FIXED_SIZE, 1));
    REQUIRE(clients.Drive(run).summary().state() == v1::FINISHED);
    first_cohorts.insert(clients.asked().at({1, 1}));
  }
  CHECK(first_cohorts.size() == 2);
}

TEST_CASE("sampled rounds end with the budget that holds two of them") {
  for (const auto sampling :
       {v1::PrivacyPlan::POISSON, v1::PrivacyPlan::FIXED_SIZE}) {
    INFO(v1::PrivacyPlan::Sampling_Name(sampling));
    v1::Plan plan = SampledPlan(sampling, 3);
    double two = 0;
    {
      PrivateFederation clients(kPopulation);
      const std::string run = clients.federation().Submit(plan);
      REQUIRE(clients.Drive(run).summary().state() == v1::FINISHED);
      auto debits = DebitsOf(clients.Ledger());
      debits.resize(2);
      two = EpsilonOf(debits);
    }
    plan.mutable_privacy()->set_epsilon(two * 1.0001);
    PrivateFederation clients(kPopulation);
    const std::string run = clients.federation().Submit(plan);
    CHECK(clients.federation().Show(run).privacy().most_debits() == 2);
    const v1::RunDetail end = clients.Drive(run);
    CHECK(end.summary().state() == v1::FAILED);
    CHECK(end.summary().message().find("the privacy budget is spent") == 0);
    CHECK(end.summary().released_rounds() == 2);
    const auto debits = DebitsOf(clients.Ledger());
    REQUIRE(debits.size() == 2);
    CheckCharged(clients, debits);
    CHECK(EpsilonOf(debits) == two);
    CHECK(clients.Settled(run).privacy().epsilon() == two);
    // Nobody was asked for a third.
    for (const auto& [attempt, asked] : clients.asked()) {
      CHECK(attempt.first <= 2);
    }
  }
}

}  // namespace
}  // namespace tributary::testing
