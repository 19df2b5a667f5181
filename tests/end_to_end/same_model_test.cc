// SPDX-License-Identifier: Apache-2.0
// Simulator and real coordinator, same plan and seed, full participation:
// bitwise the same final model.
#include <string>

#include "tests/catch.h"
#include "tests/end_to_end/federation.h"
#include "tests/end_to_end/plans.h"

namespace tributary::testing {
namespace {

void CheckSameModel(const SmallPlan& plan) {
  Federation federation({.clients = plan.clients, .plan = DigitsPlan(plan)});
  federation.StartCoordinator();
  federation.StartAllClients();
  const std::string run = federation.Submit();
  const auto end = federation.WaitForEnd(run, std::chrono::seconds(120));
  REQUIRE(end.at("summary").at("state") == "FINISHED");

  const std::string real = federation.Model(run);
  const std::string simulated = federation.SimulatedModel();
  REQUIRE(real.size() > 64u * 32 * sizeof(float));
  CHECK((real == simulated));
}

TEST_CASE(
    "coordinator and simulator make the same model from float32 updates") {
  CheckSameModel({.encoding = "float32"});
}

TEST_CASE("coordinator and simulator make the same model from int8 updates") {
  CheckSameModel({.encoding = "int8"});
}

TEST_CASE("coordinator and simulator make the same model from top-k updates") {
  CheckSameModel({.encoding = "top_k", .server_optimizer = "fedadam"});
}

}  // namespace
}  // namespace tributary::testing
