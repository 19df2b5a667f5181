// SPDX-License-Identifier: Apache-2.0
// The engine's words as wire messages, and back. Pure.
#pragma once

#include <optional>
#include <string>

#include "coordinator/round/types.h"
#include "tributary/v1/federation.pb.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

std::string ToBytes(const round::TaskToken& token);
// Nothing unless there are 16 bytes.
std::optional<round::TaskToken> TokenFromBytes(const std::string& bytes);

// A task as it is sent at `now`. `archive`: 32 bytes, or none.
v1::Task ToMessage(const round::Task& task, const v1::Plan& plan,
                   const std::string& archive, round::Instant now);
// Nothing unless the base model is a digest.
std::optional<round::Contribution> ToContribution(
    const v1::UpdateHeader& header);

}  // namespace tributary::simulation
