// SPDX-License-Identifier: Apache-2.0
// A plan's robust rule as the recipe that aggregates by it. Coordinator and
// simulator ask here, so that they agree.
//
// Pure; any thread. Plans have their defaults.
#pragma once

#include "aggregation/robust/recipe.h"
#include "tributary/v1/robust.pb.h"

namespace tributary::codec {

// A plan without a rule, or a pre-step without a kind, was refused
// (robust_rules.h).
robust::Recipe ToRecipe(const v1::RobustPlan& plan);

}  // namespace tributary::codec
