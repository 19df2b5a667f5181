// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/strategy.h"

#include <string>

#include "proto/codec/plan.h"
#include "proto/codec/yaml.h"
#include "tests/proto/plans.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

v1::Plan PlanWith(const std::string& strategy, const std::string& more = "") {
  v1::Plan plan;
  const auto read =
      ParseYaml(kGoodPlan + "strategy: " + strategy + "\n" + more, "p", plan);
  INFO(read);
  REQUIRE(read.ok());
  return plan;
}

std::vector<std::string> ErrorsOf(const v1::Plan& plan) {
  return Lines(ValidatePlan(plan));
}
using Errors = std::vector<std::string>;

const Manifest kManifest({{"body.weight", {2, 3}, true},
                          {"body.bias", {2}, true},
                          {"output.weight", {1, 2}, true},
                          {"output.bias", {1}, true},
                          {"norm.mean", {2}, false}});

TEST_CASE("each strategy is valid beside a good plan") {
  for (const char* strategy :
       {"{fednova: {}}", "{scaffold: {clients: 10}}",
        "{feddyn: {alpha: 0.1, clients: 10}}", "{qfedavg: {q: 1}}",
        "{fedper: {local: [output]}}", "{fedrep: {local: [output]}}",
        "{ditto: {lambda: 0.1}}"}) {
    INFO(strategy);
    CHECK(ErrorsOf(PlanWith(strategy)) == Errors{});
    CHECK(ErrorsOf(WithDefaults(PlanWith(strategy))) == Errors{});
  }
}

TEST_CASE("a strategy is one of those there are") {
  CHECK(ErrorsOf(PlanWith("{}")) ==
        Errors{"strategy: needs one of fednova, scaffold, feddyn, qfedavg, "
               "fedper, fedrep and ditto"});
}

TEST_CASE("strategies that need exact updates refuse the lossy encodings") {
  for (const std::string name : {"fednova", "scaffold", "feddyn", "qfedavg"}) {
    const std::string keys = name == "feddyn"     ? "alpha: 0.1, clients: 10"
                             : name == "qfedavg"  ? "q: 1"
                             : name == "scaffold" ? "clients: 10"
                                                  : "";
    v1::Plan plan = PlanWith("{" + name + ": {" + keys + "}}");
    plan.mutable_update()->set_encoding(v1::UpdatePlan::TOP_K);
    CHECK(ErrorsOf(plan) ==
          Errors{"strategy." + name +
                 ": needs update.encoding float32, not top_k"});
  }
}

TEST_CASE("SCAFFOLD goes with plain SGD") {
  v1::Plan plan = PlanWith("{scaffold: {clients: 10}}");
  plan.mutable_training()->set_momentum(0.9);
  plan.mutable_training()->set_proximal_mu(1);
  CHECK(ErrorsOf(plan) ==
        Errors{"strategy.scaffold: needs training.momentum 0",
               "strategy.scaffold: needs training.proximal_mu 0: the control "
               "variates do the same for it"});
  plan = PlanWith("{scaffold: {clients: 10}}");
  plan.mutable_training()->set_optimizer(v1::TrainingPlan::ADAM);
  CHECK(ErrorsOf(plan) ==
        Errors{"strategy.scaffold: needs training.optimizer sgd, not adam"});
}

TEST_CASE("FedDyn is the server's step and the proximal term itself") {
  v1::Plan plan = PlanWith("{feddyn: {alpha: 0.1, clients: 10}}",
                           "server_optimizer: {fedadam: {}}\n");
  plan.mutable_training()->set_proximal_mu(1);
  CHECK(ErrorsOf(plan) ==
        Errors{"strategy.feddyn: needs training.proximal_mu 0: alpha is its "
               "proximal term",
               "strategy.feddyn: needs server_optimizer fedavg of "
               "learning_rate 1"});
  CHECK(ErrorsOf(PlanWith("{feddyn: {alpha: 0.1, clients: 10}}",
                          "server_optimizer: {fedavg: {learning_rate: 1}}\n"))
            .empty());
}

TEST_CASE("the population's size is the plan's or the simulation's") {
  CHECK(ErrorsOf(PlanWith("{scaffold: {}}")) ==
        Errors{"strategy.scaffold.clients: is required where there is no "
               "simulation.clients: the number of clients in the population"});
  CHECK(ErrorsOf(PlanWith("{scaffold: {clients: 9}}")) ==
        Errors{"strategy.scaffold.clients: 9 is fewer than round.cohort_size "
               "10"});
  const v1::Plan plan =
      PlanWith("{scaffold: {}}",
               "simulation: {clients: 40, train: {csv: {path: a.csv}}}\n");
  CHECK(ErrorsOf(plan) == Errors{});
  const v1::Plan full = WithDefaults(plan);
  CHECK(full.strategy().scaffold().clients() == 40);
  // update.max_abs 4 / training.learning_rate 0.05.
  CHECK(full.strategy().scaffold().max_control() == 80);
}

TEST_CASE("steps the plan asks for are steps FedNova may count") {
  v1::Plan plan = PlanWith("{fednova: {max_steps: 5}}");
  plan.mutable_training()->clear_epochs();
  plan.mutable_training()->set_steps(6);
  CHECK(ErrorsOf(plan) ==
        Errors{"strategy.fednova.max_steps: 5 is fewer than training.steps 6"});
}

TEST_CASE("each strategy says what goes with the model") {
  const auto tensor = [](const std::string& strategy) {
    return AuxiliaryTensor(WithDefaults(PlanWith(strategy)).strategy(),
                           kManifest);
  };
  CHECK(tensor("{fednova: {}}") ==
        TensorSpec{"fednova.steps", {}, false, true});
  CHECK(tensor("{scaffold: {clients: 10}}") ==
        TensorSpec{"scaffold.control", {11}, false, true});
  CHECK(tensor("{qfedavg: {q: 1}}") ==
        TensorSpec{"qfedavg.normaliser", {}, false, true});
  CHECK(tensor("{feddyn: {alpha: 1, clients: 10}}") == std::nullopt);
  CHECK(tensor("{ditto: {lambda: 1}}") == std::nullopt);
}

TEST_CASE("an update's layout has the strategy's bound at its end") {
  const v1::Plan plan =
      WithDefaults(PlanWith("{scaffold: {clients: 10, max_control: 3}}"));
  const Manifest file = WithAuxiliary(kManifest, plan.strategy());
  CHECK(file.Length() == 13 + 11);
  CHECK(file.ModelPart() == kManifest);
  CHECK(WithAuxiliary(file, plan.strategy()) == file);
  for (const Manifest& manifest : {kManifest, file}) {
    const auto layout = ToLayout(plan.update(), manifest, plan.strategy());
    REQUIRE(layout.ok());
    CHECK(layout->trainable == 11);
    CHECK(layout->model() == 13);
    CHECK(layout->length == 24);
    CHECK(layout->auxiliary->max_abs() == 3);
  }
}

TEST_CASE("local tensors are named by tensor or module") {
  const auto ranges = [](const std::string& names) {
    return LocalRanges(
        PlanWith("{fedper: {local: [" + names + "]}}").strategy(), kManifest);
  };
  using Ranges = std::vector<FlatRange>;
  CHECK(*ranges("output") == Ranges{{8, 11}});
  CHECK(*ranges("body.bias, output.weight") == Ranges{{6, 10}});
  CHECK(*ranges("body.weight, output.bias, norm") == Ranges{{0, 6}, {10, 13}});
  CHECK(ranges("out").status().message() ==
        "strategy.fedper.local: \"out\" is no tensor or module of the model");
  CHECK(ranges("body, output").status().message() ==
        "strategy.fedper.local: leaves no parameter to be shared");
}

TEST_CASE("what a later version adds to a strategy is not known here") {
  v1::StrategyPlan plan;
  CHECK(IsKnown(plan));
  plan.mutable_ditto()->set_lambda(1);
  CHECK(IsKnown(plan));
  // Field 900, an empty message.
  const std::string later = {'\xa2', '\x38', '\0'};
  v1::StrategyPlan other;
  REQUIRE(other.ParseFromString(later));
  CHECK_FALSE(IsKnown(other));
  REQUIRE(plan.mutable_ditto()->MergeFromString(later));
  CHECK_FALSE(IsKnown(plan));
}

}  // namespace
}  // namespace tributary::codec
