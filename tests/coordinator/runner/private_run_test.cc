// SPDX-License-Identifier: Apache-2.0
// What a coordinator asks of a run that promises privacy.
#include <string>

#include "tests/coordinator/runner/federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

// Vouches for nobody.
class NoAuthority final : public secagg::Authority {
 public:
  absl::StatusOr<std::unique_ptr<secagg::Peer>> Identify(
      std::string_view) const override {
    return absl::UnauthenticatedError("nobody");
  }
};

v1::Plan SecurePlan() {
  v1::Plan plan = MakePlan({.min_updates = 3});
  plan.mutable_update()->clear_encoding();
  plan.mutable_secure_aggregation()->set_dropped(0.1);
  return plan;
}

v1::Plan PrivatePlan() {
  v1::Plan plan = MakePlan({});
  plan.clear_seed();
  plan.mutable_update()->clear_encoding();
  plan.mutable_update()->set_max_weight(1);
  v1::PrivacyPlan& privacy = *plan.mutable_privacy();
  privacy.set_unit(v1::PrivacyPlan::CLIENT);
  privacy.set_neighbours(v1::PrivacyPlan::REPLACE_ONE);
  privacy.set_noise(v1::PrivacyPlan::CENTRAL);
  privacy.set_sampling(v1::PrivacyPlan::NONE);
  privacy.set_delta(0.01);
  privacy.set_epsilon(100);
  privacy.set_population(4);
  privacy.mutable_clipping()->set_norm(1);
  return plan;
}

std::string Refusal(Federation& federation, const v1::Plan& plan) {
  bool is_given = false;
  const auto model = federation.coordinator().StoreBlob([&]() -> std::string {
    return std::exchange(is_given, true) ? "" : FirstModel();
  });
  REQUIRE(model.ok());
  const auto run = federation.coordinator().Submit(plan, *model, nullptr);
  REQUIRE_FALSE(run.ok());
  return std::string(run.status().message());
}

TEST_CASE("secure aggregation needs somebody who vouches for clients") {
  Federation federation;
  CHECK(Refusal(federation, SecurePlan()) ==
        "secure_aggregation: this coordinator knows nobody who vouches for "
        "clients; name tls.authority in its configuration, beside insecure "
        "too, and restart it");
  federation.coordinator().SetAuthority(std::make_shared<NoAuthority>());
  federation.Submit(SecurePlan());
}

TEST_CASE("a private run has no seed that tells its cohorts") {
  Federation federation;
  v1::Plan plan = PrivatePlan();
  plan.set_seed(7);
  CHECK(Refusal(federation, plan) ==
        "seed: cannot stand beside privacy, for whoever knows it can say who "
        "is in each cohort; leave it out (the simulator alone takes both)");
}

TEST_CASE("a private run releases no buffers") {
  Federation federation;
  CHECK(
      Refusal(federation, PrivatePlan()).find("privacy: the model's buffer ") ==
      0);
}

}  // namespace
}  // namespace tributary::testing
