// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/yaml.h"

#include <string>

#include "tests/proto/plans.h"
#include "tributary/v1/admin.pb.h"
#include "tributary/v1/plan.pb.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

absl::Status Parse(const std::string& text) {
  v1::Plan plan;
  return ParseYaml(text, "p.yaml", plan);
}

// The only error of the text.
std::string Error(const std::string& text) {
  const auto lines = Lines(Parse(text));
  return lines.size() == 1 ? lines[0]
                           : std::to_string(lines.size()) + " errors";
}

TEST_CASE("a plan is read into the message of the same names") {
  v1::Plan plan;
  plan.set_name("cleared");
  plan.mutable_simulation();
  REQUIRE(ParseYaml(kGoodPlan, "p.yaml", plan).ok());
  CHECK(plan.name() == "digits");
  CHECK_FALSE(plan.has_simulation());
  CHECK(plan.model().architecture().mlp().inputs() == 64);
  CHECK(plan.model().architecture().mlp().hidden_size() == 2);
  CHECK(plan.round().deadline().seconds() == 90);
  CHECK(plan.training().learning_rate() == 0.05);
}

TEST_CASE("an unknown key is an error that names the likely one") {
  CHECK(Error(WithLine("  deadline: 90s", "  dedline: 90s")) ==
        "p.yaml:11: round.dedline: unknown key; did you mean \"deadline\"?");
  CHECK(Error(WithLine("  deadline: 90s", "  banana: 90s")) ==
        "p.yaml:11: round.banana: unknown key");
}

TEST_CASE("a key of control characters does not reach the terminal") {
  CHECK(Error(kGoodPlan + "\"a\\e[2Jb\": 1\n") ==
        "p.yaml:21: unknown key \"a\\x1b[2Jb\"");
}

TEST_CASE("a value of the wrong type is named with its line") {
  CHECK(Error(WithLine("  cohort_size: 10", "  cohort_size: many")) ==
        "p.yaml:10: round.cohort_size: \"many\" is not a whole number");
  CHECK(Error(WithLine("  cohort_size: 10", "  cohort_size: 10.5")) ==
        "p.yaml:10: round.cohort_size: \"10.5\" is not a whole number");
  CHECK(Error(WithLine("  cohort_size: 10", "  cohort_size: \"10\"")) ==
        "p.yaml:10: round.cohort_size: \"10\" is a text, not a whole number");
  CHECK(Error(WithLine("  cohort_size: 10", "  cohort_size: [10]")) ==
        "p.yaml:10: round.cohort_size: is a list; expected a whole number");
  CHECK(Error(WithLine("  cohort_size: 10", "  cohort_size:")) ==
        "p.yaml:10: round.cohort_size: has no value; expected a whole number");
  CHECK(Error(WithLine("  learning_rate: 0.05", "  learning_rate: .nan")) ==
        "p.yaml:15: training.learning_rate: \".nan\" is not a number");
  CHECK(Error(WithLine("  learning_rate: 0.05", "  learning_rate: inf")) ==
        "p.yaml:15: training.learning_rate: \"inf\" is not a number");
  CHECK(Error(WithLine("      hidden: [32, 16]", "      hidden: 32")) ==
        "p.yaml:7: model.architecture.mlp.hidden: \"32\" is not a list");
  CHECK(Error(WithLine("  rounds: 20", "  rounds: 20\nevaluation: 7")) ==
        "p.yaml:21: evaluation: \"7\" is not a mapping of keys (at least {})");
}

TEST_CASE("a value outside its range is named with the range") {
  CHECK(Error(WithLine("  cohort_size: 10", "  cohort_size: 0")) ==
        "p.yaml:10: round.cohort_size: 0 is less than 1");
  CHECK(Error(WithLine("  cohort_size: 10", "  cohort_size: -3")) ==
        "p.yaml:10: round.cohort_size: \"-3\" is negative");
  CHECK(Error(WithLine("  cohort_size: 10", "  cohort_size: 99999999999")) ==
        "p.yaml:10: round.cohort_size: \"99999999999\" is out of range");
  CHECK(Error(WithLine("  learning_rate: 0.05", "  learning_rate: 0")) ==
        "p.yaml:15: training.learning_rate: 0 is not greater than 0");
  CHECK(Error(WithLine("  deadline: 90s", "  deadline: 10ms")) ==
        "p.yaml:11: round.deadline: 10ms is less than 0.1");
  CHECK(Error(WithLine("      hidden: [32, 16]", "      hidden: [32, 0]")) ==
        "p.yaml:7: model.architecture.mlp.hidden[1]: 0 is less than 1");
  CHECK(Error(WithLine("name: digits", "name: " + std::string(129, 'n'))) ==
        "p.yaml:1: name: has 129 bytes, more than 128");
}

TEST_CASE("a bad duration or enum is an error that shows a good one") {
  CHECK(Error(WithLine("  deadline: 90s", "  deadline: soon")) ==
        "p.yaml:11: round.deadline: \"soon\" is not a duration such as 90s or "
        "5m");
  CHECK(Error(WithLine("  epochs: 1", "  epochs: 1\n  loss: huber")) ==
        "p.yaml:14: training.loss: \"huber\" is not one of cross_entropy, mse, "
        "bce, reconstruction");
  CHECK(Error(WithLine("  epochs: 1", "  epochs: 1\n  loss: loss_unspecified"))
            .find("is not one of") != std::string::npos);
}

TEST_CASE("a missing key is reported where it should stand") {
  CHECK(Error(WithLine("  cohort_size: 10", "")) ==
        "p.yaml:11: round.cohort_size: is required");
  CHECK(Says(Parse(""), "p.yaml:1: stop: is required"));
}

TEST_CASE("a key given twice is an error") {
  CHECK(Error(WithLine("  rounds: 20", "  rounds: 20\n  rounds: 30")) ==
        "p.yaml:21: stop.rounds: given twice; first on line 20");
}

TEST_CASE("two server optimizers cannot stand side by side") {
  CHECK(Error(kGoodPlan + "server_optimizer:\n  fedavg: {}\n  fedadam: {}\n") ==
        "p.yaml:23: server_optimizer.fedadam: cannot stand beside \"fedavg\" "
        "(line 22); keep one of them");
}

TEST_CASE("a choice without required keys is written with an empty mapping") {
  v1::Plan plan;
  REQUIRE(ParseYaml(kGoodPlan + "server_optimizer:\n  fedavgm: {}\n", "p.yaml",
                    plan)
              .ok());
  CHECK(plan.server_optimizer().has_fedavgm());
}

TEST_CASE("all errors of a file are reported at once, in order of line") {
  std::string text = WithLine("  cohort_size: 10", "  cohort_sise: 10");
  text += "  metrik: accuracy\nextra: 1\n";
  const auto lines = Lines(Parse(text));
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].find("p.yaml:10: round.cohort_si") == 0);
  CHECK(lines[1].find("p.yaml:10: round.cohort_si") == 0);
  CHECK(lines[2] ==
        "p.yaml:21: stop.metrik: unknown key; did you mean \"metric\"?");
  CHECK(lines[3] == "p.yaml:22: extra: unknown key");
}

TEST_CASE("broken YAML is an error with its line") {
  CHECK(Error("name: [1, 2\nround: }\n").find("p.yaml:2: ") == 0);
  CHECK(Error("- a\n- b\n") ==
        "p.yaml:1: is a list; expected a mapping of keys (at least {})");
  CHECK(Error("name: a\n---\nname: b\n").find("more than one document") !=
        std::string::npos);
  CHECK(Error("? [a, b]\n: 1\n").find("errors") != std::string::npos);
}

TEST_CASE("aliases, tags, deep nesting and long files are refused") {
  CHECK(Error("a: &x [1]\nb: *x\n") == "p.yaml:2: aliases are not supported");
  CHECK(Error("name: !!binary aGk=\n").find("tags are not supported") !=
        std::string::npos);
  CHECK(Error(std::string(5'000, '[')).find("nested deeper than 32") !=
        std::string::npos);
  CHECK(Error("a:\n" + std::string(60'000, ' ') +
              "- 1\n" /* deep columns are no depth */)
            .find("nested") == std::string::npos);
  CHECK(Error("# " + std::string(1 << 20, 'x')).find("more than 1048576") !=
        std::string::npos);
  std::string many = "x: [";
  for (int i = 0; i < 30'000; ++i) many += "1,";
  CHECK(Error(many + "1]").find("more than 20000 values") != std::string::npos);
}

TEST_CASE("maps and bytes have a place in YAML too") {
  v1::RoundRecord record;
  REQUIRE(ParseYaml("model: \"00ff\"\nmetrics: {accuracy: 0.5, loss: 1}\n", "r",
                    record)
              .ok());
  CHECK(record.model() == std::string("\x00\xff", 2));
  CHECK(record.metrics().at("accuracy") == 0.5);
  CHECK(ParseYaml("metrics: {a: 1, a: 2}", "r", record).code() ==
        absl::StatusCode::kInvalidArgument);
  CHECK_FALSE(ParseYaml("model: xyz", "r", record).ok());
}

}  // namespace
}  // namespace tributary::codec
