// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/privacy.h"

#include <cmath>
#include <string>

#include "proto/codec/integers.h"
#include "proto/codec/round_noise.h"
#include "proto/codec/yaml.h"
#include "tests/proto/plans.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

struct Choice {
  std::string noise = "central";
  std::string sampling = "poisson";
  std::string neighbours = "add_or_remove_one";
  // Keys of privacy, each ", key: value".
  std::string more = {};
  std::string clipping = "norm: 0.5";
  // The quick one where it covers the rest.
  std::string accountant = "rdp";
};

// 200 rounds with 100 of 10,000 clients, or with all there are; epsilon 2,
// delta 1e-6.
v1::Plan PlanOf(const Choice& choice) {
  const bool is_everybody =
      choice.sampling == "none" && choice.neighbours == "add_or_remove_one";
  std::string text =
      kGoodPlan + "privacy: {unit: client, neighbours: " + choice.neighbours +
      ", noise: " + choice.noise + ", sampling: " + choice.sampling +
      ", delta: 1e-6, epsilon: 2, population: " +
      (is_everybody ? "100" : "10000") + ", accountant: " + choice.accountant +
      choice.more + ", clipping: {" + choice.clipping + "}}\n";
  if (choice.noise == "distributed") text += "secure_aggregation: {}\n";
  v1::Plan plan;
  const absl::Status read = ParseYaml(text, "p", plan);
  INFO(read.message());
  REQUIRE(read.ok());
  plan.mutable_update()->set_max_weight(1);
  plan.mutable_round()->set_cohort_size(100);
  plan.mutable_stop()->set_rounds(200);
  const absl::Status valid = ValidatePlan(plan);
  INFO(valid.message());
  REQUIRE(valid.ok());
  return WithDefaults(plan);
}

Manifest Model() {
  return Manifest(
      {{.name = "a", .shape = {300, 30}}, {.name = "b", .shape = {30}}});
}

v1::Plan Completed(const Choice& choice) {
  v1::Plan plan = PlanOf(choice);
  const absl::Status status = CompletePrivacy(plan, Model());
  INFO(status.message());
  REQUIRE(status.ok());
  return plan;
}

double EpsilonOf(const dp::Mechanism& mechanism, std::int64_t rounds,
                 dp::Accountant accountant = dp::Accountant::kRdp) {
  dp::Spend spend;
  spend.Add(mechanism, rounds, 1e-6, accountant);
  return spend.At(1e-6)->epsilon;
}

TEST_CASE("a plan without a noise multiplier gets the least that is enough") {
  for (const Choice& choice :
       {Choice{}, Choice{.sampling = "none"},
        Choice{.sampling = "fixed_size", .neighbours = "replace_one"},
        Choice{.neighbours = "replace_one", .accountant = "pld"},
        Choice{.noise = "distributed"},
        Choice{.noise = "distributed",
        .sampling = "fixed_size",
        .neighbours = "replace_one"},
        Choice{
            .noise = "local", .sampling = "none", .neighbours = "replace_one"},
        Choice{.clipping = "norm: 0.5, adaptive: {}"},
        Choice{.noise = "distributed",
        .clipping = "norm: 0.5, adaptive: {}"}}) {
    INFO(choice.noise << " " << choice.sampling << " " << choice.neighbours
                      << " " << choice.clipping);
    v1::Plan plan = PlanOf(choice);
    const absl::Status status = CompletePrivacy(plan, Model());
    INFO(status.message());
    REQUIRE(status.ok());
    const double noise = plan.privacy().noise_multiplier();
    const auto accountant = choice.accountant == "rdp" ? dp::Accountant::kRdp
                                                       : dp::Accountant::kPld;
    CHECK(EpsilonOf(DearestMechanism(plan, Model()).value(), 200, accountant) <=
          2);
    // Not one round in a hundred is left over.
    CHECK(AffordableRounds(plan, Model(), {}).value() >= 200);
    CHECK(AffordableRounds(plan, Model(), {}).value() <= 202);
    plan.mutable_privacy()->set_noise_multiplier(noise / 1.002);
    CHECK(EpsilonOf(DearestMechanism(plan, Model()).value(), 200, accountant) >
          2);
  }
}

TEST_CASE("the tightest accountant is taken where the plan names none") {
  v1::Plan plan = Completed({});
  plan.mutable_privacy()->clear_accountant();
  const double quick = plan.privacy().noise_multiplier();
  plan.mutable_privacy()->clear_noise_multiplier();
  REQUIRE(CompletePrivacy(plan, Model()).ok());
  CHECK(plan.privacy().noise_multiplier() < 0.95 * quick);
  CHECK(EpsilonOf(DearestMechanism(plan, Model()).value(), 200,
                  dp::Accountant::kPld) <= 2);
}

TEST_CASE("what nothing accounts for is refused with its keys and a way out") {
  const auto refusal = [](const Choice& choice) {
    v1::Plan plan = PlanOf(choice);
    const absl::Status status = CompletePrivacy(plan, Model());
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    plan.mutable_privacy()->set_noise_multiplier(4);
    CHECK(CompletePrivacy(plan, Model()).message() == status.message());
    return std::string(status.message());
  };
  const std::string keys =
      "privacy.noise, privacy.sampling, privacy.neighbours: ";
  CHECK(refusal({.sampling = "fixed_size"}) ==
        keys +
            "cohorts of fixed size are accounted for neighbours that replace "
            "one client only");
  CHECK(refusal({.noise = "distributed", .neighbours = "replace_one"})
            .starts_with(keys + "distributed noise on Poisson cohorts"));
  CHECK(refusal({.noise = "local"}).starts_with(keys + "local noise is seen"));
  CHECK(refusal({.noise = "distributed", .accountant = "pld"}) ==
        keys + "distributed noise is accounted by RDP only");
}

TEST_CASE("a budget that holds no round is refused, one that holds some ends") {
  v1::Plan plan = PlanOf({.sampling = "none", .more = ", noise_multiplier: 1"});
  CHECK(CompletePrivacy(plan, Model()).message() ==
        "privacy.noise_multiplier: with 1 a single round spends more than "
        "privacy.epsilon 2; raise it, or leave it out");
  plan.mutable_privacy()->set_noise_multiplier(10);
  REQUIRE(CompletePrivacy(plan, Model()).ok());
  const auto rounds = AffordableRounds(plan, Model(), {}).value();
  CHECK(rounds > 1);
  CHECK(rounds < 200);
  const auto mechanism = DearestMechanism(plan, Model()).value();
  CHECK(EpsilonOf(mechanism, rounds) <= 2);
  CHECK(EpsilonOf(mechanism, rounds + 1) > 2);
}

TEST_CASE("runs of a population share its budget") {
  const v1::Plan plan = Completed({.more = ", population_epsilon: 2.2"});
  const auto mechanism = DearestMechanism(plan, Model()).value();
  dp::Spend others;
  others.Add(mechanism, 200, 1e-6, dp::Accountant::kRdp);
  const auto rounds = AffordableRounds(plan, Model(), others).value();
  CHECK(rounds > 0);
  CHECK(rounds < 200);
  CHECK(EpsilonOf(mechanism, 200 + rounds) <= 2.2);
  CHECK(EpsilonOf(mechanism, 201 + rounds) > 2.2);
  others.Add(mechanism, 200, 1e-6, dp::Accountant::kRdp);
  const auto none = AffordableRounds(plan, Model(), others).status();
  CHECK(none.code() == absl::StatusCode::kFailedPrecondition);
  CHECK(none.message() ==
        "privacy.population_epsilon: other runs of population gateways have "
        "spent or reserved 400 rounds, beside which not one of this plan fits "
        "into 2.2");
  // Without a budget of the population they do not matter.
  CHECK(AffordableRounds(Completed({}), Model(), others).value() >= 200);
}

TEST_CASE(
    "a round costs no more than it was reckoned with, whatever its norm") {
  for (const char* noise : {"central", "distributed"}) {
    const v1::Plan plan =
        Completed({.noise = noise, .clipping = "norm: 0.5, adaptive: {}"});
    const double dearest =
        EpsilonOf(DearestMechanism(plan, Model()).value(), 200);
    for (const double norm :
         {0.01, 0.25, 0.2501, 0.3, 0.49999, 0.5, 0.7, 9.0}) {
      INFO(noise << " " << norm);
      const double epsilon =
          EpsilonOf(ToMechanism(plan, Model(), norm).value(), 200);
      CHECK(epsilon <= dearest);
      CHECK(epsilon >= dearest * 0.99);
    }
  }
}

TEST_CASE("a debit says what was released, with noise that is certain") {
  const v1::Plan plan = Completed({.noise = "distributed"});
  const dp::Debit debit = DebitOf(plan, Model(),
                                  {.run = "run-7",
                                   .round = 3,
                                   .attempt = 2,
                                   .clip_norm = 0.5,
                                   .contributors = 93})
                              .value();
  CHECK(debit.population == "gateways");
  CHECK(debit.run == "run-7");
  CHECK(debit.round == 3);
  CHECK(debit.attempt == 2);
  CHECK(debit.contributors == 93);
  CHECK(debit.clip_norm == 0.5);
  CHECK(debit.delta == 1e-6);
  CHECK(debit.accountant == dp::Accountant::kRdp);
  CHECK(debit.mechanism.rate == 0.01);
  CHECK(debit.plan == DigestOf(plan));
  REQUIRE(debit.mechanism.statistics.size() == 1);
  const dp::Statistic& update = debit.mechanism.statistics[0];
  CHECK(update.name == "update");
  CHECK(update.words == 9'030);
  CHECK(update.NoiseMultiplier() ==
        Approx(plan.privacy().noise_multiplier()).epsilon(1e-12));
  // As many shares as are certain to come have that noise together.
  const auto integers = ToIntegerUpdate(plan, Model(), 0.5).value();
  CHECK(update.l2 == integers.norm_bound());
  CHECK(static_cast<double>(integers.noise_variance()) * CertainShares(plan) >=
        update.variance);
  CHECK(static_cast<double>(integers.noise_variance()) * CertainShares(plan) <=
        update.variance + 2 * CertainShares(plan));
  // Another plan is another entry.
  v1::Plan other = plan;
  other.mutable_training()->set_learning_rate(0.06);
  CHECK(DigestOf(other) != debit.plan);
}

TEST_CASE("noise that an adaptive clip norm could outgrow is refused") {
  v1::Plan plan = PlanOf(
      {.more = ", noise_multiplier: 5", .clipping = "norm: 0.6, adaptive: {}"});
  CHECK(CompletePrivacy(plan, Model()).ok());
  // At 0.6 it can be drawn, at 1 it has variance 2^51.
  plan.mutable_update()->set_bits(24);
  CHECK(ToMechanism(plan, Model(), 0.6).ok());
  CHECK(std::string(CompletePrivacy(plan, Model()).message())
            .starts_with("update.bits: 24 with noise_multiplier 5 takes"));
}

TEST_CASE("a debit names the accountant that the budget is reckoned with") {
  const auto named = [](v1::PrivacyPlan::Accountant accountant) {
    v1::Plan plan = PlanOf({.more = ", noise_multiplier: 4"});
    plan.mutable_privacy()->set_accountant(accountant);
    const auto debit =
        DebitOf(plan, Model(),
                {.run = "run-7", .round = 1, .attempt = 1, .clip_norm = 0.5});
    return debit.value().accountant;
  };
  CHECK(named(v1::PrivacyPlan::RDP) == dp::Accountant::kRdp);
  CHECK(named(v1::PrivacyPlan::PLD) == dp::Accountant::kPld);
  CHECK(named(v1::PrivacyPlan::ACCOUNTANT_UNSPECIFIED) == dp::Accountant::kPld);
}

TEST_CASE("a population's budget is reckoned as its ledger is added up") {
  v1::Plan plan = Completed({.more = ", population_epsilon: 2.2"});
  const auto mechanism = DearestMechanism(plan, Model()).value();
  plan.mutable_privacy()->set_accountant(v1::PrivacyPlan::PLD);
  dp::Spend others;
  others.Add(mechanism, 200, 1e-6, dp::Accountant::kRdp);
  const auto rounds = AffordableRounds(plan, Model(), others).value();
  CHECK(EpsilonOf(mechanism, 200 + rounds) <= 2.2);
  CHECK(EpsilonOf(mechanism, 201 + rounds) > 2.2);
}

TEST_CASE("an adaptive clip norm has a statistic of its own") {
  const v1::Plan plan = Completed({.clipping = "norm: 0.5, adaptive: {}"});
  const auto mechanism = ToMechanism(plan, Model(), 0.5).value();
  REQUIRE(mechanism.statistics.size() == 2);
  CHECK(mechanism.statistics[1].name == "clip_count");
  // sigma_b = 100 / 20.
  CHECK(mechanism.statistics[1].NoiseMultiplier() == Approx(10));
  const double z = plan.privacy().noise_multiplier();
  CHECK(mechanism.statistics[0].NoiseMultiplier() ==
        Approx(std::pow(std::pow(z, -2) - 0.01, -0.5)));
  v1::Plan louder = plan;
  louder.mutable_privacy()->set_noise_multiplier(10);
  CHECK(std::string(CompletePrivacy(louder, Model()).message())
            .starts_with("privacy.clipping.adaptive.count_noise: a noise "
                         "multiplier of 10 leaves nothing"));
}

TEST_CASE("noise that no sampler draws is refused by its key") {
  v1::Plan plan =
      PlanOf({.noise = "distributed", .more = ", noise_multiplier: 2"});
  plan.mutable_update()->set_bits(24);
  CHECK(std::string(NoiseOf(plan, 0x1p23).status().message())
            .starts_with("update.bits: 24 with noise_multiplier 2"));
  plan = PlanOf({.more = ", noise_multiplier: 1"});
  plan.mutable_update()->set_bits(4);
  const auto coarse = ToMechanism(plan, Model(), 0.5).status();
  CHECK(coarse.message() ==
        "privacy: statistic update: integer noise of standard deviation 49 is "
        "too coarse to be accounted as Gaussian: take more update.bits");
  // Calibrated, the grid is one more reason for noise.
  plan.mutable_privacy()->clear_noise_multiplier();
  REQUIRE(CompletePrivacy(plan, Model()).ok());
  CHECK(ToMechanism(plan, Model(), 0.5)->statistics[0].variance >= 8192);
}

}  // namespace
}  // namespace tributary::codec
