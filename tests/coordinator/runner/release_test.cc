// SPDX-License-Identifier: Apache-2.0
// Whole runs, against an oracle.
#include <string>
#include <vector>

#include "coordinator/store/store.h"
#include "tests/coordinator/runner/federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

using Optimizer = PlanChoice::Optimizer;

TEST_CASE("a run's models are the oracle's, bit for bit") {
  const auto optimizer =
      GENERATE(Optimizer::kFedAvg, Optimizer::kFedAvgM, Optimizer::kFedAdam);
  const v1::Plan plan = MakePlan({.optimizer = optimizer});
  Federation federation;
  const std::string run = federation.Submit(plan);
  federation.Drive(run, ClientNames(4));

  const v1::RunDetail shown = federation.Show(run);
  CHECK(shown.summary().state() == v1::FINISHED);
  CHECK(shown.rounds_size() == 3);
  const auto expected = OracleModels(plan, federation.Updates());
  REQUIRE(expected.size() == 3);
  for (int round = 1; round <= 3; ++round) {
    CHECK(federation.ModelBytes(run, round) ==
          expected[static_cast<std::size_t>(round - 1)]);
  }
  CHECK(federation.ModelBytes(run, 0) == expected.back());
}

TEST_CASE("strategies are the oracle's in the coordinator, bit for bit") {
  const std::string strategy =
      GENERATE("fednova: {}", "scaffold: {clients: 6}",
               "feddyn: {alpha: 0.5, clients: 6}", "qfedavg: {q: 1}");
  INFO(strategy);
  const v1::Plan plan =
      MakePlan({.optimizer = Optimizer::kFedAvg, .strategy = strategy});
  Federation federation;
  const std::string run = federation.Submit(plan);
  federation.Drive(run, ClientNames(4));
  const auto expected = OracleModels(plan, federation.Updates());
  REQUIRE(expected.size() == 3);
  for (int round = 1; round <= 3; ++round) {
    CHECK(federation.ModelBytes(run, round) ==
          expected[static_cast<std::size_t>(round - 1)]);
  }
}

TEST_CASE("every encoding is folded as it decodes") {
  const auto encoding = GENERATE(v1::UpdatePlan::BFLOAT16, v1::UpdatePlan::INT8,
                                 v1::UpdatePlan::TOP_K);
  const v1::Plan plan = MakePlan({.rounds = 1, .encoding = encoding});
  Federation federation;
  const std::string run = federation.Submit(plan);
  federation.Drive(run, ClientNames(4));
  CHECK(federation.ModelBytes(run, 1) ==
        OracleModels(plan, federation.Updates()).back());
}

TEST_CASE("1, 2 and 4 fold threads give the same bytes") {
  std::vector<std::string> models;
  for (const int threads : {1, 2, 4}) {
    Federation federation(threads);
    const std::string run = federation.Submit(MakePlan({}));
    federation.Drive(run, ClientNames(4));
    models.push_back(federation.ModelBytes(run, 3));
  }
  CHECK(models[0] == models[1]);
  CHECK(models[0] == models[2]);
}

TEST_CASE("the record of counted updates has no gap and no double") {
  Federation federation;
  const std::string run = federation.Submit(MakePlan({}));
  federation.Drive(run, ClientNames(4));
  federation.Close();
  auto store = store::Store::Open(federation.options().state_folder);
  REQUIRE(store.ok());
  const auto updates = (*store)->Updates(run, "");
  REQUIRE(updates.ok());
  CHECK(updates->size() == 12);
  for (const store::UpdateRow& update : *updates) {
    CHECK(update.state == "committed");
  }
}

TEST_CASE("two populations have their runs at once") {
  Federation federation;
  const std::string pumps = federation.Submit(
      MakePlan({.clients = 1, .min_updates = 1, .rounds = 1}));
  const std::string fans = federation.Submit(MakePlan(
      {.population = "fans", .clients = 1, .min_updates = 1, .rounds = 1}));
  federation.Join("pump", "pumps");
  federation.Join("fan", "fans");
  federation.CheckIn("pump");
  const v1::Task pump = federation.AwaitTask("pump");
  federation.CheckIn("fan");
  const v1::Task fan = federation.AwaitTask("fan");
  CHECK(pump.run() == pumps);
  CHECK(fan.run() == fans);
  CHECK(federation.Return("fan", MakeUpdate(fan)).accepted());
  CHECK(federation.Show(pumps).summary().state() == v1::RUNNING);
  CHECK(federation.Return("pump", MakeUpdate(pump)).accepted());
}

}  // namespace
}  // namespace tributary::testing
