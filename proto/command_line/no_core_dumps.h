// SPDX-License-Identifier: Apache-2.0
// Keeps this process's memory, secrets of secure sessions and sums without
// their noise among it, out of core dumps, and from other processes of the same
// user. Once, before threads start.
#pragma once

#include <system_error>

namespace tributary::command_line {

[[nodiscard]] std::error_code ForbidCoreDumps();

}  // namespace tributary::command_line
