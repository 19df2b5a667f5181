// SPDX-License-Identifier: Apache-2.0
// The words of a plan's privacy <-> those of privacy/dp. Only values that a
// plan may hold: UNSPECIFIED is nothing that these can be asked. Pure.
#pragma once

#include <optional>

#include "privacy/dp/mechanism.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

dp::Noise ToNoise(v1::PrivacyPlan::Noise noise);
v1::PrivacyPlan::Noise FromNoise(dp::Noise noise);
dp::Sampling ToSampling(v1::PrivacyPlan::Sampling sampling);
v1::PrivacyPlan::Sampling FromSampling(dp::Sampling sampling);
dp::Neighbours ToNeighbours(v1::PrivacyPlan::Neighbours neighbours);
v1::PrivacyPlan::Neighbours FromNeighbours(dp::Neighbours neighbours);
// None: the tightest that covers the plan.
std::optional<dp::Accountant> ToAccountant(
    v1::PrivacyPlan::Accountant accountant);
v1::PrivacyPlan::Accountant FromAccountant(dp::Accountant accountant);

}  // namespace tributary::codec
