// SPDX-License-Identifier: Apache-2.0
// Values said outside a plan's file, through the reader that takes them.
#include "proto/codec/yaml_setting.h"

#include <string>
#include <vector>

#include "proto/codec/yaml.h"
#include "tests/proto/files.h"
#include "tests/proto/plans.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

class SettingFixture {
 public:
  absl::StatusOr<v1::Plan> Read(const std::vector<std::string>& settings,
                                const std::string& text = kGoodPlan) {
    return ReadPlan(folder_.Write("plan.yaml", text), settings);
  }
  v1::Plan Plan(const std::vector<std::string>& settings) {
    const auto plan = Read(settings);
    INFO(plan.status());
    REQUIRE(plan.ok());
    return *plan;
  }
  // The error without the file's name.
  std::vector<std::string> Errors(const std::vector<std::string>& settings) {
    std::vector<std::string> lines = Lines(Read(settings).status());
    const std::string file = (folder_.path() / "plan.yaml").string();
    for (std::string& line : lines) {
      REQUIRE(line.find(file) == 0);
      line.erase(0, file.size());
    }
    return lines;
  }

 private:
  const TemporaryFolder folder_;
};

using Texts = std::vector<std::string>;

TEST_CASE_METHOD(SettingFixture, "a setting stands in place of what is there") {
  CHECK(Plan({"round.cohort_size=20"}).round().cohort_size() == 20);
  CHECK(Plan({"name=\"a: b\""}).name() == "a: b");
  CHECK(Plan({"round.deadline=2m"}).round().deadline().seconds() == 120);
  const auto hidden = Plan({"model.architecture.mlp.hidden=[8]"});
  REQUIRE(hidden.model().architecture().mlp().hidden_size() == 1);
  CHECK(hidden.model().architecture().mlp().hidden(0) == 8);
}

TEST_CASE_METHOD(SettingFixture, "a setting adds what is not there") {
  const auto plan = Plan({"server_optimizer.fedadam.learning_rate=0.5",
                          "evaluation={every_rounds: 3}"});
  CHECK(plan.server_optimizer().fedadam().learning_rate() == 0.5);
  CHECK(plan.server_optimizer().fedadam().beta1() == 0.9);
  CHECK(plan.evaluation().every_rounds() == 3);
}

TEST_CASE_METHOD(SettingFixture,
                 "of several settings of a key the last counts") {
  CHECK(Plan({"round.cohort_size=20", "round.cohort_size=30"})
            .round()
            .cohort_size() == 30);
}

TEST_CASE_METHOD(SettingFixture,
                 "a setting replaces the alternative that was chosen") {
  const auto plan = Read({"server_optimizer.fedavgm.momentum=0.5"},
                         kGoodPlan + "server_optimizer: {fedadam: {}}\n");
  REQUIRE(plan.ok());
  CHECK(plan->server_optimizer().fedavgm().momentum() == 0.5);
}

TEST_CASE_METHOD(SettingFixture, "an empty value takes a key away") {
  const auto plan = Plan({"training.epochs=", "training.steps=7"});
  CHECK_FALSE(plan.training().has_epochs());
  CHECK(plan.training().steps() == 7);
  CHECK(Errors({"training.epoch="}) ==
        Texts{": training.epoch: unknown key; did you mean \"epochs\"? "
              "(training.epoch=)"});
}

TEST_CASE_METHOD(SettingFixture,
                 "what the schema refuses is refused in a setting's words") {
  CHECK(Errors({"round.cohort_sise=20"}) ==
        Texts{": round.cohort_sise: unknown key; did you mean "
              "\"cohort_size\"? (round.cohort_sise=20)"});
  CHECK(Errors({"round.cohort_size=ten"}) ==
        Texts{": round.cohort_size: \"ten\" is not a whole number "
              "(round.cohort_size=ten)"});
  CHECK(Errors({"round.cohort_size=0"}) ==
        Texts{": round.cohort_size: 0 is less than 1 (round.cohort_size=0)"});
  // A rule across fields, at the setting that broke it.
  CHECK(
      Errors({"training.steps=2"}) ==
      Texts{": training: exactly one of epochs and steps (training.steps=2)"});
  CHECK(Errors({"stop.rounds.more=2"}) ==
        Texts{": stop.rounds: is a mapping; expected a whole number "
              "(stop.rounds.more=2)"});
}

TEST_CASE_METHOD(SettingFixture, "what is no setting is refused") {
  for (const std::string text :
       {"round.cohort_size", "=3", "round..cohort_size=3", ".name=x"}) {
    INFO(text);
    const Texts errors = Errors({text});
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].find("is not KEY=VALUE") != std::string::npos);
  }
  const Texts broken = Errors({"name=[1"});
  REQUIRE(broken.size() == 1);
  CHECK(broken[0].find(": name: ") == 0);
  CHECK(broken[0].find("(name=[1)") != std::string::npos);
}

}  // namespace
}  // namespace tributary::codec
