// SPDX-License-Identifier: Apache-2.0
// Simulator and real coordinator, same plan and seed, full participation:
// bitwise the same final model.
#include <string>

#include "tests/end_to_end/federation.h"
#include "tests/end_to_end/plans.h"

#include "tests/catch.h"

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

// Their clients keep a state from round to round, on disk or in memory.
TEST_CASE("coordinator and simulator make the same model under SCAFFOLD") {
  CheckSameModel({.rounds = 4, .strategy = "{scaffold: {}}"});
}

TEST_CASE("coordinator and simulator make the same model under FedDyn") {
  CheckSameModel({.rounds = 4,
                  .server_optimizer = "fedavg",
                  .strategy = "{feddyn: {alpha: 0.1}}"});
}

TEST_CASE("coordinator and simulator make the same model under FedRep") {
  CheckSameModel({.rounds = 4, .strategy = "{fedrep: {local: [output]}}"});
}

// Rows in the order of names, buckets from the run's key, and a center that is
// kept from round to round; one reads its spool, the other its memory.
TEST_CASE("coordinator and simulator make the same model by a robust rule") {
  CheckSameModel({.rounds = 4,
                  .sections = "robust: {pre_steps: [{bucketing: {size: 2}}], "
                              "centered_clipping: {radius: 0.5}}\n"});
}

// Every client is in every model, for none is in one twice: nothing is stale,
// and who comes first does not matter.
TEST_CASE("coordinator and simulator make the same model asynchronously") {
  CheckSameModel({.rounds = 4, .asynchronous = "{concurrency: 8}"});
}

}  // namespace
}  // namespace tributary::testing
