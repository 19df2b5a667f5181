// SPDX-License-Identifier: Apache-2.0
// Keeps this process's memory, secrets of secure sessions among it, out of core
// dumps, and from other processes of the same user. Once, before threads start.
#pragma once

#include "absl/status/status.h"

namespace tributary::program {

absl::Status ForbidCoreDumps();

}  // namespace tributary::program
