// SPDX-License-Identifier: Apache-2.0
// tributaryctl privacy plan PLAN.
#include "coordinator/ctl/planned_run.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "proto/codec/ledger.h"
#include "proto/codec/privacy.h"
#include "proto/codec/safetensors.h"
#include "proto/codec/yaml.h"
#include "tests/coordinator/ctl/command_line.h"
#include "tests/proto/files.h"
#include "tests/proto/plans.h"
// Last.
#include "tests/catch.h"

namespace tributary::ctl {
namespace {

constexpr const char* kDistributed =
    "neighbours: add_or_remove_one, noise: distributed, sampling: poisson";

// `kinds` are the keys of section `privacy` that choose a mechanism.
std::string PlanText(const std::string& kinds) {
  std::string text = codec::kGoodPlan +
                     "privacy: {unit: client, delta: 1e-6, epsilon: 2, "
                     "population: 10000, clipping: {norm: 0.5}, " +
                     kinds + "}\n";
  if (kinds.find("distributed") != std::string::npos) {
    text += "secure_aggregation: {}\n";
  }
  for (const auto& [before, after] :
       {std::pair{"cohort_size: 10", "cohort_size: 100"},
        std::pair{"max_weight: 1000", "max_weight: 1"}}) {
    text.replace(text.find(before), std::string(before).size(), after);
  }
  return text;
}

struct PlanFixture {
  std::string File(const std::string& kinds) const {
    return folder.Write("plan.yaml", PlanText(kinds)).string();
  }
  static Ended Priced(const std::string& file,
                      const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"privacy", "plan", file, "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Ctl(arguments);
  }
  // What `privacy report` says of the ledger that a run of the plan leaves.
  nlohmann::json Reported(const std::string& file) {
    v1::Plan plan = codec::ReadPlan(file).value();
    REQUIRE(codec::CompletePrivacy(plan, manifest).ok());
    dp::Chain chain;
    std::string bytes;
    for (std::uint32_t round = 1; round <= plan.stop().rounds(); ++round) {
      auto debit = codec::DebitOf(plan, manifest,
                                  {.run = "run-1",
                                   .round = round,
                                   .attempt = 1,
                                   .clip_norm = 0.5,
                                   .contributors = 97});
      REQUIRE(debit.ok());
      v1::LedgerPage page;
      *page.add_entries() = codec::ToMessage(chain.Append(*std::move(debit)));
      bytes += codec::ToRecord(page);
    }
    const auto ledger = folder.Write("ledger", bytes);
    return Ctl({"privacy", "report", ledger.string(), "--json"})
        .Json()
        .at("runs")[0];
  }

  TemporaryFolder folder;
  const Manifest manifest{
      {{.name = "a", .shape = {300, 30}}, {.name = "b", .shape = {30}}}};
};

TEST_CASE_METHOD(PlanFixture,
                 "a plan costs what its run's ledger will say, bit for bit") {
  const std::string kinds =
      GENERATE(as<std::string>(), kDistributed,
               "neighbours: add_or_remove_one, noise: central, sampling: "
               "poisson",
               "neighbours: replace_one, noise: distributed, sampling: "
               "fixed_size",
               "neighbours: replace_one, noise: local, sampling: none");
  INFO(kinds);
  const std::string file = File(kinds);
  const Ended ended = Priced(file, {"--parameters", "9030"});
  INFO(ended.err);
  REQUIRE(ended.exit == 0);
  const auto planned = ended.Json();
  const auto reported = Reported(file);
  CHECK(planned.at("epsilon").get<double>() ==
        reported.at("epsilon").get<double>());
  CHECK(planned.at("epsilon") <= 2);
  for (const char* same : {"delta", "unit", "neighbours", "accountant",
                           "rounds", "noise_multipliers"}) {
    INFO(same);
    CHECK(planned.at(same) == reported.at(same));
  }
  CHECK(reported.at("noise")[0] == planned.at("noise"));
  CHECK(planned.at("rounds") == 20);
  CHECK(planned.at("earlier_rounds").size() == 2);
  CHECK(planned.at("earlier_rounds")[1].at("epsilon") < planned.at("epsilon"));

  // The weights say how large the model is as well.
  const std::string weights = (folder.path() / "first.safetensors").string();
  REQUIRE(codec::WriteSafetensors(weights, manifest, {},
                                  std::vector<float>(manifest.Length()))
              .ok());
  CHECK(Priced(file, {"--weights", weights}).Json() == planned);
}

TEST_CASE_METHOD(PlanFixture,
                 "against who knows the cohorts a plan costs what it would "
                 "without sampling") {
  const auto json = [&](const std::string& kinds) {
    const Ended ended = Priced(File(kinds), {"--parameters", "9030", "--set",
                                             "privacy.noise_multiplier=4",
                                             "--set", "privacy.epsilon=1000"});
    INFO(ended.err);
    REQUIRE(ended.exit == 0);
    return ended.Json();
  };
  const auto sampled = json(kDistributed);
  const auto known =
      json("neighbours: replace_one, noise: distributed, sampling: none");
  CHECK(sampled.at("known_cohorts").at("epsilon").get<double>() ==
        Approx(known.at("epsilon").get<double>()).epsilon(1e-2));
  CHECK(sampled.at("known_cohorts").at("rounds") == known.at("rounds"));
  CHECK_FALSE(known.contains("known_cohorts"));
  const Ended shown =
      Ctl({"privacy", "plan", File(kDistributed), "--parameters", "9030"});
  CHECK(shown.out.find("against the coordinator, and whoever knows the "
                       "cohorts: epsilon ") != std::string::npos);
}

TEST_CASE_METHOD(PlanFixture, "the noise of a plan has its known epsilon") {
  // Balle and Wang 2018: noise 4 over 100 rounds at delta 1e-9, 17.611019. A
  // replaced client moves twice as much. Discrete noise is accounted with a
  // thousandth less.
  for (const auto& [kinds, noise] :
       {std::pair{"neighbours: add_or_remove_one, noise: central, sampling: "
                  "none",
                  "4"},
        std::pair{"neighbours: replace_one, noise: local, sampling: none",
                  "8"}}) {
    const Ended ended =
        Priced(File(kinds),
               {"--parameters", "9030", "--set", "stop.rounds=100", "--set",
                "privacy.delta=1e-9", "--set", "privacy.epsilon=20", "--set",
                "privacy.population=100", "--set",
                std::string("privacy.noise_multiplier=") + noise});
    INFO(ended.err);
    REQUIRE(ended.exit == 0);
    const auto json = ended.Json();
    CHECK(json.at("epsilon").get<double>() == Approx(17.611019).epsilon(2e-3));
    CHECK(json.at("epsilon") > 17.611019);
    CHECK(json.at("accountant") == "PLD");
  }
  // google-research/federated, distributed_dp/accounting_utils.py, and Zhu and
  // Wang 2019: Skellam noise, 1,000 shares of 0.05 at scale 4,096 in 2^20
  // dimensions, rate 0.01, 1,000 rounds, 1.3482695 at delta 1e-6. Such a sum
  // has the noise multiplier sqrt(1000) 0.05 4096 / 4129: norms are rounded up.
  const Ended ended =
      Priced(File(kDistributed),
             {"--parameters", "1048576", "--set", "stop.rounds=1000", "--set",
              "round.cohort_size=1000", "--set", "privacy.population=100000",
              "--set", "privacy.clipping.norm=1", "--set", "update.bits=13",
              "--set", "privacy.noise_multiplier=1.568502"});
  INFO(ended.err);
  REQUIRE(ended.exit == 0);
  const auto json = ended.Json();
  CHECK(json.at("epsilon").get<double>() == Approx(1.3482695).epsilon(1e-3));
  CHECK(json.at("accountant") == "RDP");
  const auto& own = json.at("own_noise");
  const double shares = own.at("shares").get<double>();
  CHECK(own.at("grid_points").get<double>() * std::sqrt(shares) ==
        Approx(std::sqrt(1000) * 0.05 * 4096).epsilon(1e-4));
}

TEST_CASE_METHOD(PlanFixture, "the budget ends a run that would overspend") {
  const std::string file = File(kDistributed);
  const auto least = Priced(file, {"--parameters", "9030"}).Json();
  const double less = least.at("noise_multiplier").get<double>() / 1.05;
  const std::vector<std::string> more = {
      "--parameters", "9030", "--set",
      "privacy.noise_multiplier=" + std::to_string(less)};
  const auto json = Priced(file, more).Json();
  CHECK(json.at("planned_rounds") == 20);
  CHECK(json.at("rounds") < 20);
  CHECK(json.at("epsilon") <= 2);
  std::vector<std::string> arguments = {"privacy", "plan", file};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Ended text = Ctl(arguments);
  CHECK(text.out.find("of the plan's 20 rounds: its run ends there") !=
        std::string::npos);
  CHECK(text.out.find("each client adds a share of ") != std::string::npos);
  CHECK(text.out.find("the coordinator's view of distributed noise") !=
        std::string::npos);
}

TEST_CASE_METHOD(PlanFixture, "what a plan lacks is named") {
  const std::string file = File(kDistributed);
  CHECK(Priced(file).Says("--weights FILE, or its size with --parameters N"));
  CHECK(Priced(file, {"--weights", "none"}).Says("none"));
  const auto plain = folder.Write("plain.yaml", codec::kGoodPlan).string();
  CHECK(Priced(plain, {"--parameters", "10"})
            .Says(plain + ": has no section `privacy`"));
  CHECK(Priced(file, {"--parameters", "9030", "--set", "privacy.delta=2"})
            .Says("privacy.delta"));
  CHECK(Priced(file, {"--epsilon", "1"}).exit == 2);
  const Ended neither = Ctl({"privacy", "plan", "--set", "name=a"});
  CHECK(neither.exit == 2);
  CHECK(neither.Says("PLAN"));
}

}  // namespace
}  // namespace tributary::ctl
