// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/repeats.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

RunRecord Run(const std::string& name, int seed, double mu, double accuracy) {
  RunRecord run;
  run.folder = absl::StrCat("out/", name, ",seed=", seed);
  run.plan = *FlattenPlan(
      absl::StrCat("seed: ", seed, "\ntraining: {proximal_mu: ", mu, "}\n"));
  run.rounds[1] = {{"metrics.accuracy", 0.1}};
  run.rounds[2] = {{"metrics.accuracy", accuracy}};
  run.rounds[3] = {{"train_loss", 1}};
  return run;
}

std::vector<RunRecord> TwoSettings() {
  return {Run("fedavg", 1, 0, 0.8), Run("fedavg", 2, 0, 0.6),
          Run("fedprox", 1, 1, 0.82), Run("fedprox", 2, 1, 0.68),
          Run("fedprox", 3, 1, 0.75)};
}

TEST_CASE("runs that differ in their seed alone are one setting") {
  const auto runs = TwoSettings();
  const auto comparison = CompareRuns(runs, {});
  REQUIRE(comparison.ok());
  const auto settings = GroupBySeed(*comparison);
  REQUIRE(settings.size() == 2);
  CHECK(settings[0].name == "fedavg");
  CHECK(settings[0].runs == std::vector<const RunRecord*>{&runs[0], &runs[1]});
  CHECK(settings[1].name == "fedprox");
  CHECK(settings[1].runs.size() == 3);
}

TEST_CASE("a setting's gain is the mean over the seeds it shares") {
  const auto runs = TwoSettings();
  // 0.8, 0.6: deviation 0.2 / sqrt(2). Gains 0.02 and 0.08.
  CHECK(RepeatsTable(*CompareRuns(runs, {})) ==
        Table{{"setting", "seeds", "final accuracy", "gain"},
              {"fedavg", "2", "0.7000 ± 0.1414", ""},
              {"fedprox", "3", "0.7500 ± 0.0700", "+0.0500 ± 0.0424"}});
}

TEST_CASE("what clients found stands beside what the evaluator found") {
  auto runs = TwoSettings();
  for (RunRecord& run : runs) {
    auto& last = run.rounds[2];
    last["metrics.client_accuracy_mean"] = 0.9;
    last["metrics.client_accuracy_worst_decile"] = 0.5;
    last["metrics.client_accuracy_stddev"] = 0.125;
  }
  const Table table = RepeatsTable(*CompareRuns(runs, {}));
  CHECK(table[0].size() == 8);
  CHECK(std::vector<std::string>(table[2].begin() + 4, table[2].end()) ==
        std::vector<std::string>{"0.9000 ± 0.0000", "+0.0000 ± 0.0000",
                                 "0.5000 ± 0.0000", "0.1250 ± 0.0000"});
}

TEST_CASE("without repeats there is nothing to say of chance") {
  std::vector<RunRecord> runs = {Run("a", 1, 0, 0.8), Run("b", 1, 1, 0.7)};
  CHECK(RepeatsTable(*CompareRuns(runs, {})).empty());
}

}  // namespace
}  // namespace tributary::simulation
