// SPDX-License-Identifier: Apache-2.0
// Secure aggregation and differential privacy over real processes: what comes
// out, what it cost, and who may vanish on the way.
#include <chrono>
#include <fstream>
#include <string>

#include "tests/end_to_end/federation.h"
#include "tests/end_to_end/plans.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

using std::chrono::seconds;

constexpr int kClients = 8;

// Two of eight may vanish.
SmallPlan SecurePlan() {
  return {.clients = kClients,
          .rounds = 3,
          .cohort_size = kClients,
          .min_updates = 6,
          .encoding = {},
          .sections =
              "secure_aggregation: {min_cohort: 7, corrupt: 0.05, "
              "dropped: 0.25, step_deadline: 5s}\n"};
}

SmallPlan PrivatePlan() {
  SmallPlan plan = SecurePlan();
  plan.max_weight = 1;
  plan.seed.reset();
  // A budget for four rounds of three.
  plan.sections +=
      "privacy: {unit: client, neighbours: replace_one, noise: distributed, "
      "sampling: none, delta: 0.001, epsilon: 50, population: 8, "
      "clipping: {norm: 1}}\n";
  return plan;
}

FederationOptions OptionsOf(const SmallPlan& plan) {
  return {.clients = plan.clients,
          .plan = DigitsPlan(plan),
          .client_arguments = {"--secure-aggregation", "required",
                               "--min-cohort", "7", "--min-survivors", "6"}};
}

TEST_CASE(
    "masked updates make the model that the simulator makes of the same plan") {
  SmallPlan plan = SecurePlan();
  plan.min_updates = 7;
  // All eight, however slowly they start, as in the simulator.
  plan.sections =
      "secure_aggregation: {min_cohort: 8, corrupt: 0.05, dropped: 0.1, "
      "step_deadline: 60s}\n";
  Federation federation(OptionsOf(plan));
  federation.StartCoordinator();
  federation.StartAllClients();
  const std::string run = federation.Submit();
  const auto end = federation.WaitForEnd(run, seconds(180));
  INFO(end.dump(1) << "\n" << federation.coordinator().Output());
  REQUIRE(end.at("summary").at("state") == "FINISHED");
  CHECK((federation.Model(run) == federation.SimulatedModel()));
}

TEST_CASE("a private run is released with a debit for each of its models") {
  Federation federation(OptionsOf(PrivatePlan()));
  federation.StartCoordinator();
  federation.StartAllClients();
  const std::string run = federation.Submit();
  const auto end = federation.WaitForEnd(run, seconds(180));
  INFO(end.dump(1) << "\n" << federation.coordinator().Output());
  REQUIRE(end.at("summary").at("state") == "FINISHED");
  CHECK(federation.Model(run).size() > 64u * 32 * sizeof(float));
  CHECK(end.at("privacy").at("debits") == 3);
  CHECK(end.at("plan").at("privacy").at("noise_multiplier") > 0.1);

  const auto report = federation.Ctl({"privacy", "report", "--run", run});
  INFO(report.output << report.errors);
  REQUIRE(report.exit == 0);
  const auto verified = federation.Ctl({"privacy", "verify"});
  INFO(verified.output << verified.errors);
  CHECK(verified.exit == 0);
}

TEST_CASE("clients killed in secure rounds do not stop the run") {
  SmallPlan plan = SecurePlan();
  plan.rounds = 8;
  Federation federation(OptionsOf(plan));
  federation.StartCoordinator();
  federation.StartAllClients();
  const std::string run = federation.Submit();
  int released = 0;
  for (const int victim : {3, 6}) {
    federation.WaitFor(run, seconds(90), [&](const nlohmann::json& show) {
      return show.at("summary").at("released_rounds") > released;
    });
    // In whatever step it stands; it comes back as somebody without secrets.
    federation.KillClient(victim);
    const auto show =
        federation.WaitFor(run, seconds(90), [&](const nlohmann::json& later) {
          return later.at("summary").at("released_rounds") > released + 1;
        });
    released = show.at("summary").at("released_rounds");
    federation.StartClient(victim);
  }
  const auto end = federation.WaitForEnd(run, seconds(240));
  INFO(end.dump(1) << "\n" << federation.coordinator().Output());
  CHECK(end.at("summary").at("state") == "FINISHED");
}

}  // namespace
}  // namespace tributary::testing
