// SPDX-License-Identifier: Apache-2.0
// Parts of a validated plan (WithDefaults) as the domain types that act on
// them.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "aggregation/encoding.h"
#include "aggregation/grid.h"
#include "aggregation/manifest.h"
#include "aggregation/server_optimizer.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

aggregation::EncodingOptions ToEncoding(const v1::UpdatePlan& plan);
// Of updates to this model: those of the manifest's model part, then the
// strategy's auxiliary tensor.
// With a clip norm the parameters' bound is that instead of max_abs.
absl::StatusOr<aggregation::Layout> ToLayout(
    const v1::UpdatePlan& plan, const Manifest& manifest,
    const v1::StrategyPlan& strategy = {},
    std::optional<double> clip_norm = std::nullopt);
aggregation::ServerOptimizer ToOptimizer(const v1::ServerOptimizer& plan);
// The architecture as compact JSON, as models carry it, and back.
std::string ArchitectureToJson(const v1::Architecture& architecture);
absl::StatusOr<v1::Architecture> ArchitectureFromJson(const std::string& json);

}  // namespace tributary::codec
