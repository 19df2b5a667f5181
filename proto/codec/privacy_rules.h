// SPDX-License-Identifier: Apache-2.0
// What is wrong with a plan's secure_aggregation and privacy, as far as the
// plan alone tells: what needs an accountant or a model is refused at submit.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "aggregation/manifest.h"
#include "privacy/dp/poisson_draws.h"
#include "proto/codec/problem.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// Clients that a round asks, as the engine rounds it: 10 x 1.1 is 11.
std::uint32_t AskedClients(const v1::RoundPlan& round);

// Of a plan with Poisson sampling.
dp::PoissonDraws PoissonDrawsOf(const v1::Plan& plan);

void CheckPrivacy(const v1::Plan& plan, Problems& problems);

// InvalidArgument, naming the tensor, if a plan with privacy would release a
// buffer of the model: a mean of what layers saw of their clients' examples,
// which no clipping bounds. Those that never leave the client may stay.
absl::Status CheckPrivateModel(const v1::Plan& plan, const Manifest& manifest);

}  // namespace tributary::codec
