// SPDX-License-Identifier: Apache-2.0
// Defaults, written out. The values are those the schema's comments give.
#pragma once

#include "tributary/v1/config.pb.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// WithDefaults of a plan is in yaml.h.
v1::CoordinatorConfig WithDefaults(const v1::CoordinatorConfig& config);

}  // namespace tributary::codec
