// SPDX-License-Identifier: Apache-2.0
// Words for plans whose updates are masked, or carry noise.
#pragma once

#include <algorithm>

#include "tests/simulation/virtual_federation.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

// All of the clients are asked in every round, and a round waits for all of
// them, so that who takes part does not depend on when.
inline FederationPlan Everybody(int clients, std::uint64_t seed) {
  FederationPlan plan;
  plan.clients = clients;
  plan.cohort_size = clients;
  plan.min_updates = std::max(2, clients / 2);
  plan.seed = seed;
  plan.change = [](v1::Plan& made) {
    made.mutable_round()->mutable_selection_timeout()->set_seconds(10'000);
  };
  return plan;
}

// Changes the plan further.
template <typename Change>
FederationPlan With(FederationPlan plan, Change change) {
  plan.change = [before = plan.change, change](v1::Plan& made) {
    before(made);
    change(made);
  };
  return plan;
}

inline FederationPlan Masked(FederationPlan plan) {
  return With(std::move(plan), [](v1::Plan& made) {
    auto& secure = *made.mutable_secure_aggregation();
    secure.set_corrupt(0.05);
    secure.set_dropped(0.25);
    secure.mutable_step_deadline()->set_seconds(2);
  });
}

inline FederationPlan WithoutMasks(FederationPlan plan) {
  return With(std::move(plan), [](v1::Plan& made) {
    made.mutable_simulation()->set_skip_masks(true);
  });
}

// Of a population of all clients, with the noise that is said here.
inline FederationPlan Private(FederationPlan plan,
                              v1::PrivacyPlan::Noise noise) {
  return With(std::move(plan), [noise, clients = plan.clients](v1::Plan& made) {
    made.mutable_update()->set_max_weight(1);
    auto& privacy = *made.mutable_privacy();
    privacy.set_unit(v1::PrivacyPlan::CLIENT);
    privacy.set_neighbours(noise == v1::PrivacyPlan::LOCAL
                               ? v1::PrivacyPlan::REPLACE_ONE
                               : v1::PrivacyPlan::ADD_OR_REMOVE_ONE);
    privacy.set_noise(noise);
    privacy.set_sampling(v1::PrivacyPlan::NONE);
    privacy.set_delta(0.5 / clients);
    privacy.set_epsilon(100);
    privacy.set_population(static_cast<std::uint32_t>(clients));
    privacy.mutable_clipping()->set_norm(0.5);
    privacy.set_noise_multiplier(1);
  });
}

// With noise that adapts to how many updates are within the norm.
inline FederationPlan Adaptive(FederationPlan plan) {
  return With(std::move(plan), [](v1::Plan& made) {
    auto& adaptive =
        *made.mutable_privacy()->mutable_clipping()->mutable_adaptive();
    adaptive.set_count_noise(2);
  });
}

}  // namespace tributary::simulation
