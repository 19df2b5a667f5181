// SPDX-License-Identifier: Apache-2.0
// Ctrl-C, for commands that end in good order.
#pragma once

#include <atomic>

namespace tributary::simulation {

// From now on the first SIGINT or SIGTERM makes the returned flag true and says
// so on standard error, unless the announcement is null; the next one ends the
// process at once with exit code 130, whatever it is doing: files that matter
// are there whole or not at all. The flag is the process's. The announcement
// outlives it.
const std::atomic<bool>& CatchInterrupts(const char* announcement);

}  // namespace tributary::simulation
