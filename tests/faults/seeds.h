// SPDX-License-Identifier: Apache-2.0
// The seeds of a test that kills: TRIBUTARY_KILL_SEEDS of them from
// TRIBUTARY_KILL_SEED on (default 5 from 1).
#pragma once

#include <functional>

namespace tributary::testing {

void ForEachKillSeed(const std::function<void(int)>& body);

}  // namespace tributary::testing
