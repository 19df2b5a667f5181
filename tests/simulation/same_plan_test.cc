// SPDX-License-Identifier: Apache-2.0
#include "simulation/same_plan.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

TEST_CASE("noise that was calibrated makes no other plan of an open one") {
  const char* open = "privacy: {epsilon: 2}\n";
  const char* calibrated = "privacy: {epsilon: 2, noise_multiplier: 7.76}\n";
  const char* other = "privacy: {epsilon: 2, noise_multiplier: 8}\n";
  CHECK(*DifferenceOf(calibrated, open, Clients::kInPlan) == "");
  CHECK(*DifferenceOf(calibrated, calibrated, Clients::kInPlan) == "");
  CHECK(*DifferenceOf(calibrated, other, Clients::kInPlan) ==
        "privacy.noise_multiplier was 7.76, is 8");
  CHECK(*DifferenceOf(calibrated, "privacy: {epsilon: 4}\n",
                      Clients::kInPlan) == "privacy.epsilon was 2, is 4");
}

}  // namespace
}  // namespace tributary::simulation
