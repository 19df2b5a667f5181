// SPDX-License-Identifier: Apache-2.0
// Whether a client keeps something from one task of a run to the next
// (client/core/client_state.h).
//
// Pure; any thread.
#pragma once

#include "tributary/v1/plan.pb.h"

namespace tributary {

// By error feedback, by momentum, or by the strategy.
bool KeepsClientState(const v1::UpdatePlan& update,
                      const v1::StrategyPlan& strategy);

}  // namespace tributary
