// SPDX-License-Identifier: Apache-2.0
// tributaryctl privacy plan.
#include <string>
#include <vector>

#include "tests/coordinator/ctl/command_line.h"
// Last.
#include "tests/catch.h"

namespace tributary::ctl {
namespace {

// The plan of 1,000 rounds with 100 of 10,000 clients, delta 1e-6, and more.
Ended Plan(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {
      "privacy", "plan",     "--delta", "1e-6",         "--rounds",
      "1000",    "--cohort", "100",     "--population", "10000"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return Ctl(arguments);
}

TEST_CASE("the noise for an epsilon is what dp_accounting 0.6.0 needs") {
  // pld.PLDAccountant: noise 1 spends 2.1245225.
  const Ended ended = Plan({"--epsilon", "2.1245225", "--json"});
  REQUIRE(ended.exit == 0);
  const auto json = ended.Json();
  CHECK(json.at("noise_multiplier").get<double>() == Approx(1).epsilon(2e-3));
  CHECK(json.at("epsilon").get<double>() <= 2.1245225);
  CHECK(json.at("noise_on_mean").get<double>() == Approx(0.01).epsilon(2e-3));
  // 100 + 5 sqrt(99)
  CHECK(json.at("largest_cohort") == 150);
  // A larger cohort needs more noise on its sum and less on its mean.
  const auto& larger = json.at("larger_cohorts");
  REQUIRE(larger.size() == 3);
  CHECK(larger[0].at("cohort") == 200);
  CHECK(larger[0].at("noise_multiplier") > json.at("noise_multiplier"));
  CHECK(larger[0].at("noise_on_mean") < json.at("noise_on_mean"));
}

TEST_CASE("the epsilon of a noise comes from both accountants") {
  const auto json =
      Plan({"--noise-multiplier", "1", "--parameters", "40000", "--json"})
          .Json();
  CHECK(json.at("epsilon").get<double>() == Approx(2.1245225).epsilon(1e-3));
  CHECK(json.at("other_accountant").at("epsilon").get<double>() ==
        Approx(2.4366938).epsilon(1e-6));
  CHECK(json.at("noise_norm").get<double>() == Approx(2));
  CHECK(json.at("larger_cohorts").empty());
  REQUIRE(json.at("earlier_rounds").size() == 2);
  CHECK(json.at("earlier_rounds")[0].at("rounds") == 100);
}

TEST_CASE(
    "every epsilon stands beside unit, neighbours, sampling and "
    "accountant") {
  const auto json = Plan({"--epsilon", "8", "--json"}).Json();
  std::vector<nlohmann::json> spendings = {json, json.at("other_accountant")};
  for (const auto& one : json.at("earlier_rounds")) spendings.push_back(one);
  for (const auto& one : json.at("larger_cohorts")) spendings.push_back(one);
  REQUIRE(spendings.size() == 7);
  for (const auto& one : spendings) {
    CHECK(one.at("unit") == "client");
    CHECK(one.at("neighbours") == "add or remove one");
    CHECK(one.at("sampling") == "Poisson");
    CHECK((one.at("accountant") == "PLD" || one.at("accountant") == "RDP"));
    CHECK(one.at("delta") == 1e-6);
    CHECK(one.at("epsilon") > 0);
  }

  const Ended table =
      Plan({"--noise-multiplier", "4", "--sampling", "fixed-size"});
  REQUIRE(table.exit == 0);
  CHECK(table.out.find("EPSILON  DELTA  UNIT    NEIGHBOURS   SAMPLING    "
                       "ACCOUNTANT  ROUNDS  COHORT   NOISE  ON MEAN\n") !=
        std::string::npos);
  CHECK(table.out.find("  1e-06  client  replace one  fixed size  RDP         "
                       "  1000     100  4.0000     0.04\n") !=
        std::string::npos);
  CHECK(table.out.find("what its run was charged is in the ledger") !=
        std::string::npos);
}

TEST_CASE("without sampling the closed form answers") {
  // Balle and Wang 2018: noise 4 over 100 rounds at delta 1e-9, 17.611019.
  const auto json = Ctl({"privacy", "plan", "--delta", "1e-9", "--rounds",
                         "100", "--noise-multiplier", "4", "--cohort", "50",
                         "--population", "50", "--sampling", "none", "--json"})
                        .Json();
  CHECK(json.at("epsilon").get<double>() == Approx(17.611019).epsilon(1e-7));
  CHECK(json.at("sampling") == "none");
  CHECK_FALSE(json.contains("largest_cohort"));
}

TEST_CASE("a client that is not there has another in its place") {
  const auto neighbours = [](const char* cohort, const char* population) {
    return Ctl({"privacy", "plan", "--delta", "1e-4", "--rounds", "10",
                "--noise-multiplier", "4", "--cohort", cohort, "--population",
                population, "--sampling", "none", "--json"})
        .Json()
        .at("neighbours");
  };
  CHECK(neighbours("100", "100") == "add or remove one");
  CHECK(neighbours("99", "100") == "replace one");
}

TEST_CASE("what is wrong is named by its option") {
  const auto says = [](const std::vector<std::string>& more,
                       const std::string& text) {
    const Ended ended = Plan(more);
    INFO(ended.err);
    CHECK(ended.exit == 1);
    CHECK(ended.out.empty());
    CHECK(ended.Says(text));
  };
  says({}, "--epsilon, --noise-multiplier: give one of the two");
  says({"--epsilon", "1", "--noise-multiplier", "1"},
       "--epsilon, --noise-multiplier: give one of the two");
  says({"--epsilon", "0"}, "--epsilon: 0 is not a positive number");
  says({"--epsilon", "nan"}, "--epsilon: nan is not a positive number");
  says({"--noise-multiplier", "0.01"},
       "--noise-multiplier: 0.01 is not between 0.1 and 1e+06");
  says({"--epsilon", "1", "--sampling", "fixed-size", "--neighbours",
        "add-or-remove-one"},
       "--accountant, --sampling, --neighbours: cohorts of fixed size are "
       "accounted for neighbours that replace one client only");
  says({"--epsilon", "1", "--sampling", "none", "--neighbours",
        "add-or-remove-one"},
       "--neighbours: add-or-remove-one without sampling is for cohorts of the "
       "whole population");
  says({"--epsilon", "1", "--neighbours", "replace-one", "--accountant", "rdp"},
       "accounted by PLD only");

  const auto plan = [](const std::string& delta, const std::string& rounds,
                       const std::string& cohort) {
    return Ctl({"privacy", "plan", "--epsilon", "1", "--delta", delta,
                "--rounds", rounds, "--cohort", cohort, "--population", "100"});
  };
  CHECK(
      plan("0.02", "10", "10")
          .Says("--delta: 0.02 is not between 0 and 1 / --population = 0.01"));
  CHECK(plan("1e-4", "0", "10").Says("--rounds: 0 is not between 1 and"));
  CHECK(
      plan("1e-4", "10", "101").Says("--cohort: 101 is not between 1 and 100"));
  CHECK(Plan({"--epsilon", "1", "--sampling", "sometimes"}).exit == 2);
  CHECK(Ctl({"privacy", "plan", "--epsilon", "1"}).Says("--delta"));
}

}  // namespace
}  // namespace tributary::ctl
