// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/privacy_rules.h"

#include <string>

#include "proto/codec/yaml.h"
#include "tests/proto/plans.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

const std::string kPrivacy =
    "privacy:\n"
    "  unit: client\n"
    "  neighbours: replace_one\n"
    "  noise: central\n"
    "  sampling: fixed_size\n"
    "  delta: 1e-6\n"
    "  epsilon: 8\n"
    "  population: 10000\n"
    "  clipping: {norm: 0.5}\n";
const std::string kSecure = "secure_aggregation: {}\n";

std::string One() { return WithLine("  max_weight: 1000", "  max_weight: 1"); }

absl::Status Valid(const std::string& text) {
  v1::Plan plan;
  const absl::Status parsed = ParseYaml(text, "p", plan);
  INFO(parsed.message());
  REQUIRE(parsed.ok());
  return ValidatePlan(plan);
}

std::string Replaced(std::string text, const std::string& before,
                     const std::string& after) {
  const auto at = text.find(before);
  REQUIRE(at != std::string::npos);
  return text.replace(at, before.size(), after);
}

TEST_CASE("plans with either section, or both, are valid") {
  CHECK(Valid(kGoodPlan + kSecure).ok());
  CHECK(Valid(One() + kPrivacy).ok());
  CHECK(Valid(One() + kPrivacy + kSecure).ok());
  v1::Plan plan;
  REQUIRE(ParseYaml(One() + kPrivacy + kSecure, "p", plan).ok());
  CHECK(ValidatePlan(WithDefaults(plan)).ok());
  CHECK(WithDefaults(plan).round().over_selection() == 1);
}

TEST_CASE("a plan names its unit, relation, noise, sampling and delta") {
  for (const std::string key :
       {"unit: client", "neighbours: replace_one", "noise: central",
        "sampling: fixed_size", "delta: 1e-6"}) {
    const std::string name = key.substr(0, key.find(':'));
    v1::Plan plan;
    CHECK(Says(
        ParseYaml(One() + Replaced(kPrivacy, "  " + key + "\n", ""), "p", plan),
        "p:22: privacy." + name + ": is required"));
  }
}

TEST_CASE("only integers are masked or noised") {
  const std::string top_k = Replaced(kGoodPlan, "  max_abs: 4\n",
                                     "  max_abs: 4\n  encoding: top_k\n");
  CHECK(Says(Valid(top_k + kSecure),
             "update.encoding: top_k cannot stand beside secure_aggregation, "
             "which adds up integers: leave it out, and set update.bits"));
  const std::string bits =
      Replaced(kGoodPlan, "  max_abs: 4\n", "  max_abs: 4\n  bits: 12\n");
  CHECK(Valid(bits + kSecure).ok());
  CHECK(Says(Valid(bits),
             "update.bits: is for plans with secure_aggregation or privacy"));
  CHECK(Says(Valid(Replaced(kGoodPlan, "  max_abs: 4\n",
                            "  max_abs: 4\n  encoding: packed\n")),
             "update.encoding: packed is for plans with secure_aggregation or "
             "privacy"));
}

TEST_CASE("a session needs more clients than inputs, and no more than asked") {
  CHECK(Says(Valid(kGoodPlan + "secure_aggregation: {min_cohort: 8}\n"),
             "secure_aggregation.min_cohort: 8 must be over round.min_updates "
             "8: or not one client could drop out"));
  CHECK(Says(Valid(kGoodPlan + "secure_aggregation: {min_cohort: 14}\n"),
             "secure_aggregation.min_cohort: 14 exceeds the 13 clients that "
             "are asked; lower it or round.min_updates, or raise "
             "round.over_selection"));
  CHECK(Says(
      Valid(kGoodPlan + "secure_aggregation: {corrupt: 0.4, dropped: 0.3}\n"),
      "secure_aggregation: corrupt 0.4 and twice dropped 0.3 are more "
      "than 0.9 together: no graph withstands it"));
}

TEST_CASE("as many are asked as the engine asks") {
  v1::RoundPlan round;
  round.set_cohort_size(10);
  round.set_over_selection(1.1);
  CHECK(AskedClients(round) == 11);
  round.set_over_selection(1.11);
  CHECK(AskedClients(round) == 12);
}

TEST_CASE("sampling that hides who took part asks nobody more") {
  CHECK(Says(Valid(Replaced(One(), "  cohort_size: 10\n",
                            "  cohort_size: 10\n  over_selection: 1.2\n") +
                   kPrivacy),
             "round.over_selection: 1.2 must be 1 where privacy.sampling hides "
             "who took part: to take the first that come is another sampling"));
  CHECK(Says(
      Valid(One() + Replaced(kPrivacy, "population: 10000", "population: 9")),
      "privacy.population: 9 is fewer than round.cohort_size 10"));
  CHECK(Says(Valid(One() + Replaced(kPrivacy, "delta: 1e-6", "delta: 1e-4")),
             "privacy.delta: 0.0001 must be below 1 / population 0.0001, or to "
             "publish one client's data whole would do"));
}

// Keys of round and secure_aggregation, and a Poisson plan of them.
std::string Poisson(const std::string& round, const std::string& secure = "") {
  const std::string privacy = Replaced(kPrivacy, "fixed_size", "poisson");
  return Replaced(One(), "  cohort_size: 10\n", round) + privacy + secure;
}

TEST_CASE("a Poisson plan has no minimum that draws fall short of") {
  const std::string hundred = "  cohort_size: 100\n";
  // privacy_dp_test has what 20 rounds of 10 attempts allow at delta 1e-6.
  const std::string why =
      " under privacy.sampling poisson with round.cohort_size 100: draws that "
      "are too small are thrown away, so often that privacy.delta would not "
      "hold";
  CHECK(Valid(Poisson(hundred)).ok());
  CHECK(Valid(Poisson(hundred + "  min_updates: 45\n")).ok());
  CHECK(Says(Valid(Poisson(hundred + "  min_updates: 46\n")),
             "round.min_updates: 46 must be at most 45" + why));
  CHECK(Valid(Poisson(hundred + "  min_updates: 44\n", kSecure)).ok());
  CHECK(Says(Valid(Poisson(hundred + "  min_updates: 40\n",
                           "secure_aggregation: {min_cohort: 46}\n")),
             "secure_aggregation.min_cohort: 46 must be at most 45" + why));
  // Fewer attempts are fewer draws.
  CHECK(
      Valid(Poisson(hundred + "  min_updates: 47\n  max_attempts: 2\n")).ok());
  // Other samplings draw no cohort twice.
  CHECK(Valid(Replaced(One(), "  cohort_size: 10\n",
                       hundred + "  min_updates: 90\n") +
              kPrivacy)
            .ok());
}

TEST_CASE("a Poisson plan of few clients is refused") {
  const std::string small =
      " is too small for privacy.sampling poisson: too many draws have too few "
      "clients; take 40 or more, or another sampling";
  CHECK(Says(Valid(Poisson("  cohort_size: 17\n")),
             "round.cohort_size: 17" + small));
  CHECK(Valid(Poisson("  cohort_size: 18\n")).ok());
  CHECK(Says(Valid(Poisson("  cohort_size: 24\n", kSecure)),
             "round.cohort_size: 24" + small));
  CHECK(Valid(Poisson("  cohort_size: 25\n  min_updates: 2\n", kSecure)).ok());
}

TEST_CASE("what a Poisson plan leaves open bears a tenth of clients away") {
  v1::Plan plan;
  REQUIRE(ParseYaml(Poisson("  cohort_size: 100\n", kSecure), "p", plan).ok());
  const v1::Plan full = WithDefaults(plan);
  CHECK(full.round().min_updates() == 39);
  CHECK(full.secure_aggregation().min_cohort() == 40);
  CHECK(PoissonDrawsOf(full).LeastWaiting(39) <= 9'000);
  CHECK(PoissonDrawsOf(full).LeastWaiting(40) > 9'000);
  plan.mutable_round()->set_cohort_size(18);
  CHECK(WithDefaults(plan).round().min_updates() == 1);
  CHECK(WithDefaults(plan).secure_aggregation().min_cohort() == 3);
}

// Where a round has others to turn to, who is missing does not just lack.
TEST_CASE("without sampling one more client is accounted among all alone") {
  const std::string privacy = Replaced(Replaced(kPrivacy, "fixed_size", "none"),
                                       "replace_one", "add_or_remove_one");
  const std::string everybody =
      Replaced(privacy, "population: 10000", "population: 10");
  const auto refusal = [](const std::string& mismatch) {
    return "privacy.neighbours: add_or_remove_one under sampling none is for "
           "rounds of the whole population, and " +
           mismatch +
           ": in other rounds another client takes the place of one that is "
           "not there; take replace_one";
  };
  CHECK(Valid(One() + everybody).ok());
  CHECK(Says(Valid(One() + privacy), refusal("round.cohort_size 10 is not the population 10000")));
  CHECK(Says(Valid(Replaced(One(), "  cohort_size: 10\n",
                            "  cohort_size: 10\n  over_selection: 1.2\n") +
                   everybody),
             refusal("round.over_selection 1.2 is not 1")));
  CHECK(Valid(One() + Replaced(kPrivacy, "fixed_size", "none")).ok());
  v1::Plan plan;
  REQUIRE(ParseYaml(One() + privacy, "p", plan).ok());
  plan.mutable_privacy()->clear_population();
  const absl::Status missing = ValidatePlan(WithDefaults(plan));
  const std::string message(missing.message());
  INFO(message);
  CHECK(message.find("privacy.population") != std::string::npos);
  CHECK(message.find("privacy.neighbours") == std::string::npos);
}

TEST_CASE("a model with buffers is private only if they stay on the client") {
  const Manifest batch_norm({{"conv.weight", {4}, true},
                             {"output.weight", {4}, true},
                             {"norm.running_mean", {2}, false}});
  const auto check = [&](const std::string& text) {
    v1::Plan plan;
    REQUIRE(ParseYaml(text, "p", plan).ok());
    return CheckPrivateModel(plan, batch_norm);
  };
  CHECK(check(kGoodPlan).ok());
  CHECK(Says(check(One() + kPrivacy),
             "privacy: the model's buffer norm.running_mean is a statistic of "
             "clients' examples, which no clipping bounds: take a model "
             "without buffers (GroupNorm in place of BatchNorm), or keep them "
             "on the clients with strategy fedper or fedrep"));
  CHECK(check(One() + kPrivacy + "strategy: {fedrep: {local: [norm]}}\n").ok());
  CHECK_FALSE(
      check(One() + kPrivacy + "strategy: {fedrep: {local: [output]}}\n").ok());
}

TEST_CASE("what is not covered by the noise is refused") {
  CHECK(Says(Valid(kGoodPlan + kPrivacy),
             "update.max_weight: 1000 must be 1 under privacy: every client "
             "counts the same, and how many examples it has is not told"));
  CHECK(Says(Valid(One() + kPrivacy + "strategy: {fednova: {}}\n"),
             "strategy: fednova, scaffold and qfedavg send numbers along that "
             "are not clipped: leave it out under privacy"));
  CHECK(Says(Valid(One() + Replaced(kPrivacy, "central", "distributed")),
             "privacy.noise: distributed needs secure_aggregation: a share of "
             "the noise does not protect an update that is seen alone"));
  CHECK(
      Says(Valid(One() + Replaced(Replaced(kPrivacy, "central", "local"),
                                  "{norm: 0.5}", "{norm: 0.5, adaptive: {}}")),
           "privacy.clipping.adaptive: is for noise on the sum, not for "
           "local noise"));
}

}  // namespace
}  // namespace tributary::codec
