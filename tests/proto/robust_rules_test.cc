// SPDX-License-Identifier: Apache-2.0
// Which plans with a robust rule, or with momentum at the clients, are taken.
#include "proto/codec/robust_rules.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "proto/codec/robust.h"
#include "proto/codec/strategy.h"
#include "proto/codec/yaml.h"
#include "tests/proto/files.h"
#include "tests/proto/plans.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

// The good plan closes with 8 of 10 updates.
v1::Plan PlanWith(const std::string& more) {
  v1::Plan plan;
  const auto read = ParseYaml(kGoodPlan + more + "\n", "p", plan);
  INFO(read);
  REQUIRE(read.ok());
  return plan;
}

using Errors = std::vector<std::string>;
Errors ErrorsOf(const std::string& robust) {
  const v1::Plan plan = PlanWith("robust: " + robust);
  const Errors errors = Lines(ValidatePlan(plan));
  // Defaults change nothing of it.
  CHECK(Lines(ValidatePlan(WithDefaults(plan))) == errors);
  return errors;
}

robust::Recipe RecipeOf(const v1::Plan& plan) {
  return ToRecipe(WithDefaults(plan).robust());
}
template <typename Rule>
Rule RuleOf(const std::string& robust) {
  return std::get<Rule>(RecipeOf(PlanWith("robust: " + robust)).rule);
}

TEST_CASE("each rule is taken beside a good plan, and is that rule") {
  for (const auto& [text, index] : std::vector<std::pair<std::string, int>>{
           {"{mean: {}}", 0},
           {"{median: {}}", 1},
           {"{trimmed_mean: {}, adversaries: 3}", 2},
           {"{krum: {}, adversaries: 2}", 3},
           {"{bulyan: {}, adversaries: 1}", 4},
           {"{geometric_median: {}}", 5},
           {"{centered_clipping: {}}", 6}}) {
    INFO(text);
    CHECK(ErrorsOf(text) == Errors{});
    CHECK(RecipeOf(PlanWith("robust: " + text)).rule.index() ==
          static_cast<std::size_t>(index));
  }
}

TEST_CASE("what a plan does not say of its rule has its default") {
  CHECK(RuleOf<robust::Krum>("{krum: {}, adversaries: 2}").selected == 1);
  CHECK(RuleOf<robust::Krum>("{krum: {}, adversaries: 2}").adversaries == 2);
  const auto median = RuleOf<robust::GeometricMedian>("{geometric_median: {}}");
  CHECK(median.iterations == 3);
  CHECK(median.smoothing == 1e-6);
  const auto clipping =
      RuleOf<robust::CenteredClipping>("{centered_clipping: {}}");
  CHECK(clipping.radius == 10);
  CHECK(clipping.iterations == 1);
  const auto given = RuleOf<robust::CenteredClipping>(
      "{centered_clipping: {radius: 3, iterations: 2}}");
  CHECK(given.radius == 3);
  CHECK(given.iterations == 2);
}

TEST_CASE("the default radius grows with the clients' momentum") {
  v1::Plan plan = PlanWith("robust: {centered_clipping: {}}");
  plan.mutable_update()->set_momentum(0.75);
  CHECK(std::get<robust::CenteredClipping>(RecipeOf(plan).rule).radius == 40);
}

TEST_CASE("pre-steps keep their order and read the plan's adversaries") {
  const auto recipe = RecipeOf(
      PlanWith("robust:\n"
               "  adversaries: 1\n"
               "  pre_steps: [{norm_bound: {norm: 3}}, {bucketing: {}},"
               " {nearest_neighbour_mixing: {}}]\n"
               "  median: {}\n"));
  REQUIRE(recipe.pre_steps.size() == 3);
  CHECK(std::get<robust::NormBound>(recipe.pre_steps[0]).norm == 3);
  CHECK(std::get<robust::Bucketing>(recipe.pre_steps[1]).size == 2);
  CHECK(std::get<robust::NearestNeighbourMixing>(recipe.pre_steps[2])
            .adversaries == 1);
}

TEST_CASE("a rule is one of those there are, and so is a pre-step") {
  CHECK(ErrorsOf("{}") ==
        Errors{"robust: needs one of mean, median, trimmed_mean, krum, bulyan, "
               "geometric_median, centered_clipping and fltrust"});
  CHECK(ErrorsOf("{median: {}, pre_steps: [{}]}") ==
        Errors{"robust.pre_steps[0]: needs one of norm_bound, bucketing and "
               "nearest_neighbour_mixing"});
  CHECK(ErrorsOf("{fltrust: {}}") ==
        Errors{"robust.fltrust: is not built yet: nobody trains its root "
               "update; take another rule"});
}

TEST_CASE("adversaries are said where they are read, and only there") {
  const std::string required =
      "robust.adversaries: is required by trimmed_mean, krum, bulyan and "
      "nearest_neighbour_mixing: as many updates of a round may be "
      "adversaries'";
  for (const char* rule :
       {"{trimmed_mean: {}}", "{krum: {}}", "{bulyan: {}}",
        "{median: {}, pre_steps: [{nearest_neighbour_mixing: {}}]}"}) {
    INFO(rule);
    CHECK(ErrorsOf(rule) == Errors{required});
  }
  for (const char* rule :
       {"mean", "median", "geometric_median", "centered_clipping"}) {
    INFO(rule);
    CHECK(ErrorsOf(absl::StrCat("{", rule, ": {}, adversaries: 1}")) ==
          Errors{"robust.adversaries: is for trimmed_mean, krum, bulyan and "
                 "nearest_neighbour_mixing; this rule withstands what it "
                 "withstands without being told, so leave it out"});
  }
}

TEST_CASE("the fewest updates of a round are enough for the rule") {
  const std::string closes = "; a round may close with round.min_updates 8";
  CHECK(ErrorsOf("{trimmed_mean: {}, adversaries: 4}") ==
        Errors{"robust.trimmed_mean: 4 adversaries take at least 9 updates "
               "(n > 2f), there are 8" +
               closes});
  CHECK(ErrorsOf("{krum: {}, adversaries: 3}") ==
        Errors{"robust.krum: 3 adversaries take at least 9 updates "
               "(n > 2f + 2), there are 8" +
               closes});
  CHECK(ErrorsOf("{krum: {selected: 7}, adversaries: 2}") ==
        Errors{"robust.krum.selected: 7 is not in 1 .. 6 (m is at most n - f)" +
               closes});
  CHECK(ErrorsOf("{krum: {}, adversaries: 1, pre_steps: [{bucketing: {}}]}") ==
        Errors{"robust.krum: 1 adversaries take at least 5 updates "
               "(n > 2f + 2), there are 4 after bucketing of 8" +
               closes});
  v1::Plan plan = PlanWith("robust: {trimmed_mean: {}, adversaries: 4}");
  plan.mutable_round()->set_min_updates(9);
  CHECK(ValidatePlan(plan).ok());
}

// The rows of the table "Beside a robust rule" in docs/robustness.md: a setting
// of another key, and whether it is taken.
std::vector<std::pair<std::string, std::string>> TableOfCompanions() {
  std::ifstream in(std::filesystem::path(TRIBUTARY_SOURCE_DIR) /
                   "docs/robustness.md");
  std::string line;
  while (std::getline(in, line) && line != "## Beside a robust rule") {
  }
  std::vector<std::pair<std::string, std::string>> rows;
  while (std::getline(in, line) && !line.starts_with("## ")) {
    if (!line.starts_with("| `")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, '|');
    REQUIRE(cells.size() == 5);
    const auto bare = [](const std::string& cell) {
      return absl::StrReplaceAll(absl::StripAsciiWhitespace(cell), {{"`", ""}});
    };
    rows.emplace_back(bare(cells[1]), bare(cells[2]));
  }
  return rows;
}

TEST_CASE("a robust rule stands beside what its page says, and nothing else") {
  const TemporaryFolder folder;
  const auto plan = folder.Write("plan.yaml", kGoodPlan);
  const auto table = TableOfCompanions();
  REQUIRE(table.size() >= 12);
  int taken = 0;
  int refused = 0;
  for (const std::string rule :
       {"{mean: {}}", "{median: {}}", "{trimmed_mean: {}, adversaries: 1}",
        "{krum: {}, adversaries: 1}", "{bulyan: {}, adversaries: 1}",
        "{geometric_median: {}}", "{centered_clipping: {}}"}) {
    for (const auto& [setting, cell] : table) {
      const std::vector<std::string> settings = {"robust=" + rule, setting};
      const absl::Status read = ReadPlan(plan, settings).status();
      INFO(rule << " beside " << setting << ": " << read);
      REQUIRE((cell == "taken" || cell == "refused"));
      CHECK(read.ok() == (cell == "taken"));
      ++(read.ok() ? taken : refused);
      if (read.ok()) continue;
      CHECK(read.message().find(": robust: ") != std::string::npos);
    }
  }
  CHECK(taken > 0);
  CHECK(refused > 0);
}

TEST_CASE("secure aggregation is refused with what would be robust there") {
  v1::Plan plan = PlanWith("robust: {median: {}}");
  plan.mutable_secure_aggregation();
  CHECK(Lines(ValidatePlan(plan)) ==
        Errors{"robust: cannot stand beside secure_aggregation, under which "
               "nobody sees an update: robustness there means rules over the "
               "sums of disjoint cohorts or subtrees, which is not built yet. "
               "Clipping inside the client guards against corrupted data only, "
               "for an adversary's client does not clip"});
}

TEST_CASE("momentum stands beside floats that are this round's change") {
  const auto errors = [](v1::UpdatePlan::Encoding encoding,
                         const std::string& more = "") {
    v1::Plan plan = PlanWith(more);
    plan.mutable_update()->set_momentum(0.9);
    plan.mutable_update()->set_encoding(encoding);
    return Lines(ValidatePlan(plan));
  };
  CHECK(errors(v1::UpdatePlan::FLOAT32) == Errors{});
  CHECK(errors(v1::UpdatePlan::BFLOAT16) == Errors{});
  CHECK(errors(v1::UpdatePlan::FLOAT32,
               "strategy: {fedper: {local: [output]}}") == Errors{});
  CHECK(errors(v1::UpdatePlan::FLOAT32, "robust: {centered_clipping: {}}") ==
        Errors{});
  const std::string again =
      ": its error feedback carries over what was not sent, and momentum would "
      "carry that over again";
  CHECK(errors(v1::UpdatePlan::INT8) ==
        Errors{"update.momentum: needs update.encoding float32 or bfloat16, "
               "not int8" +
               again});
  CHECK(errors(v1::UpdatePlan::TOP_K) ==
        Errors{"update.momentum: needs update.encoding float32 or bfloat16, "
               "not top_k" +
               again});
  CHECK(errors(v1::UpdatePlan::FLOAT32, "strategy: {qfedavg: {q: 1}}") ==
        Errors{"update.momentum: cannot stand beside strategy.qfedavg, which "
               "reckons with the change of this round alone"});
  CHECK(errors(v1::UpdatePlan::PACKED, "secure_aggregation: {}") ==
        Errors{"update.momentum: cannot stand beside secure_aggregation, whose "
               "updates are integers of this round's change alone"});
}

TEST_CASE("only centered clipping keeps its result") {
  CHECK(std::holds_alternative<aggregation::KeptMean>(
      ToStrategy(PlanWith("robust: {centered_clipping: {}}"))));
  CHECK(std::holds_alternative<aggregation::NoStrategy>(
      ToStrategy(PlanWith("robust: {median: {}}"))));
}

}  // namespace
}  // namespace tributary::codec
